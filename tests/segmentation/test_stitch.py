"""Blocks cut apart and joined again."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.segmentation.affinity_maps import cells

from napari_graft.core.tile import Tile, TileGrid
from napari_graft.metrics import evaluate
from napari_graft.segmentation.stitch import Match, Relabelling, face_between, match_faces


@settings(max_examples=40)
@given(
    st.sampled_from([((60, 50), (20, 17)), ((40, 64), (40, 16)), ((18, 24, 22), (9, 10, 22))]),
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
)
def test_stitching_blocks_gives_back_the_segmentation(shapes: tuple, seed: int, depth: int) -> None:
    shape, block_shape = shapes
    rng = np.random.default_rng(seed)
    whole = cells(shape, int(rng.integers(1, 20)), rng, membrane=float(rng.choice([0.0, 1.5])))
    blocks = list(TileGrid(shape, block_shape))
    seen = [block.grow((depth,) * len(shape)).clip(shape) for block in blocks]
    labels = []
    for block, tile in zip(blocks, seen, strict=True):
        part = whole[tile.slices]
        labels.append(shuffled(np.where(np.isin(part, whole[block.slices]), part, 0), rng))
    matches = []
    for a, b in combinations(range(len(blocks)), 2):
        face = face_between(blocks[a], blocks[b], depth)
        if face is not None:
            face = face.clip(shape)
            parts = [labels[i][face.shift([-s for s in seen[i].start]).slices] for i in (a, b)]
            matches.append(Match(a, b, match_faces(*parts)))
    relabelling = Relabelling.build([int(part.max()) for part in labels], matches)
    result = np.zeros(shape, np.uint32)
    for i, block in enumerate(blocks):
        core = block.shift([-s for s in seen[i].start]).slices
        result[block.slices] = relabelling.apply(i, labels[i])[core]
    np.testing.assert_array_equal(result > 0, whole > 0)
    if whole.any():
        assert evaluate(result, whole).vi == pytest.approx(0, abs=1e-9)
        assert relabelling.n_objects == np.unique(whole[whole > 0]).size


def shuffled(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give the objects of a block numbers 1… of its own, in any order."""
    values, index = np.unique(labels, return_inverse=True)
    numbers = np.zeros(values.size, int)
    numbers[values > 0] = rng.permutation(np.count_nonzero(values)) + 1
    return numbers[index].reshape(labels.shape)


def test_labels_are_matched_where_they_share_most_of_the_smaller() -> None:
    first = np.array([[1] * 10 + [2] * 10 + [0] * 5 + [3] * 5])
    second = np.array([[4] * 20 + [0] * 5 + [6] + [0] * 4])
    np.testing.assert_array_equal(match_faces(first, second), [[1, 4], [2, 4], [3, 6]])
    np.testing.assert_array_equal(match_faces(second, first), [[4, 1], [4, 2], [6, 3]])


def test_a_sliver_along_a_border_joins_nothing() -> None:
    first = np.array([[1] * 2 + [2] * 40])
    second = np.array([[7] * 42])
    np.testing.assert_array_equal(match_faces(first, second), [[2, 7]])


def test_overlap_of_less_than_asked_is_no_match() -> None:
    first = np.array([[1] * 10])
    second = np.array([[5] * 4 + [6] * 6])
    np.testing.assert_array_equal(match_faces(first, second, 0.5), [[1, 5], [1, 6]])
    assert match_faces(np.array([[1, 1, 1, 0, 0, 0]]), np.array([[0, 0, 2, 2, 2, 2]]), 0.5).shape == (0, 2)


def test_background_matches_nothing() -> None:
    assert match_faces(np.zeros((3, 3), int), np.ones((3, 3), int)).shape == (0, 2)


def test_tiles_that_share_no_face_have_no_slab_between_them() -> None:
    tile = Tile((0, 0), (10, 10))
    assert face_between(tile, Tile((10, 0), (4, 10)), 2) == Tile((8, 0), (4, 10))
    assert face_between(Tile((0, 10), (10, 3)), tile, 2) == Tile((0, 8), (10, 4))
    assert face_between(tile, Tile((10, 10), (10, 10)), 2) is None
    assert face_between(tile, Tile((20, 0), (10, 10)), 2) is None
    assert face_between(tile, tile, 2) is None


def test_matches_are_followed_through_any_number_of_blocks() -> None:
    pairs = np.array([[1, 2]])
    matches = [Match(0, 1, pairs), Match(2, 1, np.array([[3, 2]])), Match(2, 3, np.zeros((0, 2), int))]
    relabelling = Relabelling.build([1, 2, 3, 0], matches)
    assert relabelling.n_objects == 4
    assert relabelling.apply(0, np.array([0, 1])).tolist() == [0, 1]
    assert relabelling.apply(1, np.array([1, 2])).tolist() == [2, 1]
    assert relabelling.apply(2, np.array([3, 2, 1])).tolist() == [1, 4, 3]
    assert relabelling.apply(3, np.zeros((2, 2), int)).tolist() == [[0, 0], [0, 0]]
