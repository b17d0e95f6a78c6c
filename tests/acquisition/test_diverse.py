from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import chisquare

from napari_graft.acquisition.candidates import Candidate, slice_gap
from napari_graft.acquisition.diversity import (
    ANOTHER,
    TYPICAL,
    UNLIKE_PAINTED,
    Coverage,
    draw_by_square,
    take_farthest,
)
from napari_graft.acquisition.freesel import FreeSel
from napari_graft.acquisition.k_center import KCenter
from napari_graft.acquisition.strategies import STRATEGIES
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile


def row(patterns=None, embeddings=None, first=0):
    n = len(patterns if patterns is not None else embeddings)
    return [
        Candidate(
            Tile((0, 10 * (first + i)), (10, 10)),
            contrast=1.0,
            patterns=None if patterns is None else np.atleast_2d(np.float32(patterns[i])),
            embedding=None if embeddings is None else np.float32(embeddings[i]),
        )
        for i in range(n)
    ]


def chosen(strategy, candidates, n, seed=0, **options):
    found = strategy.select(candidates, n, np.random.default_rng(seed), **options)
    return [one.tile.start[1] // 10 for one in found]


def brute_force_farthest(patterns, n, start):
    """Farthest-first on standardised patterns, written with loops."""
    whole = np.concatenate(patterns)
    tiles = [(tile - whole.mean(0)) / whole.std(0) for tile in patterns]
    taken = [start]
    while len(taken) < n:
        best, best_distance = None, -1.0
        for i, tile in enumerate(tiles):
            for p in tile:
                d = min(np.linalg.norm(p - q) for j in taken for q in tiles[j])
                if i not in taken and d > best_distance:
                    best, best_distance = i, d
        taken.append(best)
    return taken


@pytest.mark.parametrize("seed", range(5))
def test_freesel_farthest_equals_farthest_first_written_with_loops(seed):
    patterns = [np.random.default_rng([seed, i]).normal(size=(3, 4)) for i in range(9)]
    found = chosen(FreeSel(take_farthest), row(patterns), 6, seed)
    assert found == brute_force_farthest(patterns, 6, found[0])


@pytest.mark.parametrize("seed", range(5))
def test_k_center_is_at_most_twice_as_far_as_the_best_choice(seed):
    embeddings = np.random.default_rng(seed).normal(size=(12, 3))
    standardised = (embeddings - embeddings.mean(0)) / embeddings.std(0)
    distances = cdist(standardised, standardised)
    best = min(distances[list(some)].min(0).max() for some in combinations(range(12), 4))
    found = chosen(KCenter(), row(embeddings=embeddings), 4, seed)
    assert distances[found].min(0).max() <= 2 * best


def test_k_center_begins_in_the_middle_and_then_takes_the_ends():
    embeddings = [[-9.0], [-1.0], [0.1], [1.0], [8.0]]
    assert chosen(KCenter(), row(embeddings=embeddings), 3) == [2, 0, 4]


def test_patterns_are_drawn_by_the_square_of_their_distance():
    rng = np.random.default_rng(0)
    distances = np.array([0.0, 1.0, 2.0, 3.0])
    counts = np.bincount([draw_by_square(distances**2, rng) for _ in range(3000)], minlength=4)
    assert counts[0] == 0
    assert chisquare(counts[1:], 3000 * distances[1:] ** 2 / 14).pvalue > 0.01


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=8), st.integers(1, 5), st.integers(0, 99))
def test_coverage_keeps_the_nearest_chosen_tile_of_every_pattern(counts, n_chosen, seed):
    rng = np.random.default_rng(seed)
    patterns = [rng.normal(size=(count, 3)) for count in counts]
    added = [rng.normal(size=(2, 3)) for _ in range(n_chosen)]
    coverage = Coverage(patterns)
    for rows in added:
        coverage.add(rows)
    table = np.stack([cdist(np.concatenate(patterns), rows, "sqeuclidean").min(1) for rows in added])
    np.testing.assert_allclose(coverage.distances, table.min(0))
    expected = np.bincount(table.argmin(0), minlength=n_chosen) / sum(counts)
    np.testing.assert_allclose(coverage.shares(), expected)
    assert coverage.shares().sum() == pytest.approx(1)


def test_freesel_finds_a_rare_kind_that_chance_mostly_misses_and_does_not_always_take_it():
    rng = np.random.default_rng(0)
    common = rng.normal([1, 0, 0, 0, 0, 0], 0.02, (40, 6))
    patterns = [*common, np.array([0, 0, 0, 1, 1, 1])]
    found = [40 in chosen(FreeSel(draw_by_square), row(patterns), 2, seed) for seed in range(50)]
    assert 0.4 < np.mean(found) < 0.95  # by chance 2 of 41


def test_what_all_tiles_have_in_common_does_not_make_one_of_them_far():
    rng = np.random.default_rng(1)
    own = rng.normal(size=(30, 8))
    for seed in range(5):
        assert chosen(FreeSel(draw_by_square), row(own), 6, seed) == chosen(
            FreeSel(draw_by_square), row(own + 20), 6, seed
        )


def stack(n_slices, side=80):
    rng = np.random.default_rng(0)
    return [
        Candidate(
            Tile((z, 0, x), (1, side, side)),
            contrast=1.0,
            patterns=rng.normal(size=(2, 4)).astype(np.float32),
            embedding=rng.normal(size=4).astype(np.float32),
            foreground=float(rng.random()),
        )
        for z in range(n_slices)
        for x in (0, side)
    ]


@pytest.mark.parametrize("name", ["freesel", "freesel-farthest", "k-center", "foreground-diversity"])
def test_tiles_of_neighbouring_slices_are_left_out_while_there_are_others(name):
    tiles = stack(100)
    painted = [tiles.pop(100)]
    for seed in range(5):
        found = STRATEGIES[name].select(tiles, 4, np.random.default_rng(seed), annotated=painted)
        places = [painted[0].tile.start, *(one.tile.start for one in found)]
        assert all(abs(a[0] - b[0]) > 10 for a, b in combinations(places, 2) if a[2] == b[2])


def test_a_short_stack_gives_as_many_tiles_as_it_has():
    found = STRATEGIES["freesel"].select(stack(3), 6, np.random.default_rng(0))
    assert len({one.tile for one in found}) == 6


def test_the_gap_between_slices_is_an_object_or_what_the_stack_allows():
    assert slice_gap(stack(100), 4) == 10
    assert slice_gap(stack(41), 4) == 5
    assert slice_gap(row([[1, 0]] * 5), 4) == slice_gap([], 4) == 0


def test_foreground_diversity_avoids_empty_tiles_and_those_like_a_chosen_one():
    embeddings = [[0, 0]] * 5 + [[1, 0]] * 5 + [[0, 1]] * 5
    full = [1.0] * 10 + [0.0] * 5
    tiles = [replace(one, foreground=w) for one, w in zip(row(embeddings=embeddings), full, strict=True)]
    kinds = [[i // 5 for i in chosen(STRATEGIES["foreground-diversity"], tiles, 2, s)] for s in range(60)]
    assert all(a != b for a, b in kinds)
    assert np.mean([2 in pair for pair in kinds]) < 0.4


def test_all_patterns_of_a_chosen_tile_count():
    patterns = [np.array([[1, 0, 0], [0, 1, 0]])] + [[1, 0, 0]] * 3 + [[0, 1, 0]] * 3 + [[0, 0, 1]]
    for seed in range(40):
        found = chosen(FreeSel(draw_by_square), row(patterns), 2, seed)
        if found[0] == 0:
            assert found[1] == 7


@pytest.mark.parametrize("strategy", [FreeSel(draw_by_square), FreeSel(take_farthest)])
def test_a_warm_start_leads_away_from_what_is_annotated(strategy):
    candidates = row([[1, 0]] * 5 + [[0, 1]])
    painted = row([[1, 0]], first=50)
    (only,) = strategy.select(candidates, 1, np.random.default_rng(0), annotated=painted)
    assert only.tile.start[1] // 10 == 5
    assert only.reason == UNLIKE_PAINTED


def test_what_stands_for_much_of_the_image_is_called_typical():
    candidates = row([[0, 1, 0.01 * i] for i in range(20)])
    painted = row([[1, 0, 0]], first=50)
    (only,) = FreeSel(draw_by_square).select(candidates, 1, np.random.default_rng(0), annotated=painted)
    assert only.reason == TYPICAL
    assert only.score == 1.0


def test_a_tile_like_all_the_others_is_not_called_new():
    found = FreeSel(draw_by_square).select(row([[1, 0]] * 6), 3, np.random.default_rng(0))
    assert [one.reason for one in found[1:]] == [ANOTHER, ANOTHER]


def test_the_scale_of_patterns_does_not_matter_nor_does_that_of_a_feature():
    rng = np.random.default_rng(3)
    patterns, embeddings = rng.normal(size=(10, 2, 4)), rng.normal(size=(10, 4))
    assert chosen(FreeSel(take_farthest), row(patterns), 5) == chosen(
        FreeSel(take_farthest), row(7 * patterns), 5
    )
    factor = np.array([1e-3, 1, 50, 1e3])
    assert chosen(FreeSel(take_farthest), row(patterns), 5) == chosen(
        FreeSel(take_farthest), row(patterns * factor), 5
    )
    assert chosen(KCenter(), row(embeddings=embeddings), 5) == chosen(
        KCenter(), row(embeddings=embeddings * factor), 5
    )


def test_features_of_two_networks_are_refused():
    mixed = [*row([[1, 0]]), *row([[1, 0, 0]], first=1)]
    with pytest.raises(InputError, match="patterns of 2 and of 3 numbers"):
        FreeSel(draw_by_square).select(mixed, 1, np.random.default_rng(0))


def test_annotated_tiles_need_patterns_too():
    with pytest.raises(InputError, match=r"1 of 3 tiles have no patterns, the first at \(0, 500\)"):
        FreeSel(draw_by_square).select(
            row([[1, 0], [0, 1]]), 1, np.random.default_rng(0), annotated=row(embeddings=[[1]], first=50)
        )


def full_row(uncertainty):
    return [
        Candidate(
            Tile((0, 10 * i), (10, 10)),
            contrast=1.0,
            uncertainty=uncertainty,
            patterns=np.eye(3, dtype=np.float32)[i % 3 : i % 3 + 1],
            embedding=np.eye(3, dtype=np.float32)[i % 3],
        )
        for i in range(9)
    ]


@pytest.mark.parametrize(
    ("uncertainty", "n_annotated", "expected"),
    [
        (None, 0, "foreground-diversity"),
        (0.5, 0, "foreground-diversity"),
        (None, 1, "foreground-diversity"),
        (0.5, 1, "uncertainty-diversity"),
    ],
)
def test_auto_is_chance_with_objects_and_diversity_until_there_are_labels_and_a_model(
    uncertainty, n_annotated, expected
):
    candidates, annotated = full_row(uncertainty)[1:], full_row(uncertainty)[:n_annotated]
    found, same = (
        STRATEGIES[name].select(candidates, 3, np.random.default_rng(4), annotated=annotated)
        for name in ("auto", expected)
    )
    assert found == same


def test_auto_takes_tiles_with_objects_first_and_the_others_only_when_these_are_used_up():
    full = [0.0, 0.3, 0.0, 0.5, 0.01, 0.4, 0.0, 0.45, 0.02]
    candidates = [replace(one, foreground=share) for one, share in zip(full_row(0.5), full, strict=True)]
    for seed in range(20):
        found = chosen(STRATEGIES["auto"], candidates, 4, seed)
        assert sorted(found) == [1, 3, 5, 7]
        more = chosen(STRATEGIES["auto"], candidates, 6, seed)
        assert len(set(more)) == 6
        assert sorted(more[:4]) == [1, 3, 5, 7]
