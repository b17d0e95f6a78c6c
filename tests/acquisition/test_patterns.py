from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.acquisition.tiles import _attended, edge_attention, semantic_patterns
from napari_graft.core.errors import InputError


def test_clearly_separate_tokens_give_their_directions():
    rng = np.random.default_rng(0)
    directions = np.eye(4, 6)
    tokens = (3 * directions[np.arange(64) % 4] + 0.01 * rng.normal(size=(64, 6))).T.reshape(6, 8, 8)
    patterns = semantic_patterns(tokens.astype(np.float32), None, 4, rng)
    assert patterns.dtype == np.float32
    order = np.argmax(patterns, axis=1)
    assert sorted(order) == [0, 1, 2, 3]
    np.testing.assert_allclose(patterns, directions[order], atol=0.02)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 9), st.integers(0, 99), st.booleans())
def test_there_are_at_most_k_patterns_of_unit_length(height, width, k, seed, is_weighted):
    rng = np.random.default_rng(seed)
    tokens = rng.integers(-2, 3, size=(3, height, width)).astype(np.float32)
    weights = rng.random((height, width)).astype(np.float32) if is_weighted else None
    patterns = semantic_patterns(tokens, weights, k, rng)
    norms = np.linalg.norm(patterns, axis=1)
    assert 1 <= len(patterns) <= k
    assert all(norm == pytest.approx(1, rel=1e-5) or norm == 0 for norm in norms)


def test_the_seed_decides_the_patterns():
    tokens = np.random.default_rng(0).normal(size=(5, 9, 9)).astype(np.float32)
    first, same = (semantic_patterns(tokens, None, 4, np.random.default_rng(2)) for _ in range(2))
    np.testing.assert_array_equal(first, same)


def test_few_tokens_are_the_patterns_themselves():
    tokens = np.array([[3.0, 0.0], [0.0, 2.0]], np.float32)[:, :, None]
    patterns = semantic_patterns(tokens, None, 5, np.random.default_rng(0))
    np.testing.assert_allclose(sorted(patterns.tolist()), [[0, 1], [1, 0]])


def test_identical_tokens_give_one_pattern():
    patterns = semantic_patterns(np.ones((4, 6, 6), np.float32), None, 3, np.random.default_rng(0))
    np.testing.assert_allclose(patterns, [[0.5] * 4])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=12))
def test_the_attended_tokens_are_the_fewest_that_hold_half_the_weight(values):
    weights = np.array(values, np.float32)
    attended = _attended(weights)
    if weights.sum() == 0:
        assert len(attended) == len(weights)
        return
    assert weights[attended].sum() >= weights.sum() / 2
    assert np.sort(weights)[::-1][: len(attended) - 1].sum() < weights.sum() / 2


def test_only_attended_tokens_are_seen():
    tokens = np.array([[5.0, 0.0, 0.0], [0.0, 1.0, 1.0]], np.float32)[:, None]
    weights = np.array([[0.0, 1.0, 1.0]], np.float32)
    np.testing.assert_allclose(semantic_patterns(tokens, weights, 2, np.random.default_rng(0)), [[0, 1]])


@pytest.mark.parametrize(
    ("weights", "k", "message"), [(None, 0, "0 patterns"), (np.ones((2, 3), np.float32), 2, r"\(2, 3\)")]
)
def test_impossible_requests_are_refused(weights, k, message):
    with pytest.raises(InputError, match=message):
        semantic_patterns(np.ones((3, 4, 4), np.float32), weights, k, np.random.default_rng(0))


def test_attention_lies_on_edges_and_not_on_smooth_background():
    pixels = np.zeros((32, 32), np.float32)
    pixels[:, 20:] = 1
    attention = edge_attention(pixels, (4, 4))
    assert attention.shape == (4, 4)
    assert (attention[:, 2] > 0).all()
    assert (attention[:, [0, 1, 3]] == 0).all()


def test_attention_is_the_mean_gradient_of_each_part():
    pixels = np.random.default_rng(0).normal(size=(10, 7)).astype(np.float32)
    strength = np.hypot(*np.gradient(pixels.astype(float)))
    expected = [
        [strength[a:b, c:d].mean() for c, d in ((0, 2), (2, 5), (5, 7))] for a, b in ((0, 5), (5, 10))
    ]
    np.testing.assert_allclose(edge_attention(pixels, (2, 3)), expected, rtol=1e-5)


def test_a_slice_of_a_stack_has_attention_in_its_plane():
    pixels = np.random.default_rng(0).normal(size=(1, 12, 12)).astype(np.float32)
    np.testing.assert_allclose(edge_attention(pixels, (1, 3, 3))[0], edge_attention(pixels[0], (3, 3)))


@pytest.mark.parametrize("token_shape", [(5, 3), (2, 2, 2)])
def test_more_tokens_than_pixels_are_refused(token_shape):
    with pytest.raises(InputError, match="give fewer tokens"):
        edge_attention(np.zeros((4, 4), np.float32), token_shape)
