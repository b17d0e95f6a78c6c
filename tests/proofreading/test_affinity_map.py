"""What affinities say of borders, against loops over pixels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.segmentation.affinity_maps import OFFSETS, OFFSETS_3D

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.proofreading.affinity_map import AffinityMap

REACH = 9


def random_map(seed: int, shape: tuple[int, ...]) -> tuple[np.random.Generator, AffinityMap]:
    rng = np.random.default_rng(seed)
    offsets = OFFSETS if len(shape) == 2 else OFFSETS_3D
    return rng, AffinityMap(rng.random((len(offsets), *shape)).astype(np.float32), offsets)


def pairs_of(affinities: AffinityMap) -> list[tuple[tuple, tuple, float]]:
    """List both pixels and the affinity of each pair."""
    shape = affinities.tile.shape
    found = []
    for values, offset in zip(affinities.values, affinities.offsets, strict=True):
        for pixel in product(*map(range, shape)):
            other = tuple(a + o for a, o in zip(pixel, offset, strict=True))
            if max(map(abs, offset)) <= REACH and all(0 <= a < n for a, n in zip(other, shape, strict=True)):
                found.append((pixel, other, float(values[pixel])))
    return found


@settings(max_examples=15)
@given(st.integers(0, 999), st.sampled_from([(13, 6), (4, 11, 3)]), st.sampled_from([1, 2**31]))
def test_the_affinity_of_a_border_is_the_mean_over_all_pairs_across(
    seed: int, shape: tuple[int, ...], factor: int
) -> None:
    rng, affinities = random_map(seed, shape)
    regions = rng.integers(0, 4, shape) * factor
    across: dict[tuple, list[float]] = {}
    for pixel, other, value in pairs_of(affinities):
        ends = sorted((int(regions[pixel]), int(regions[other])))
        if ends[0] != ends[1] and ends[0] > 0:
            across.setdefault(tuple(ends), []).append(value)

    borders = affinities.borders(regions)

    assert list(map(tuple, borders.pairs.tolist())) == sorted(across)
    np.testing.assert_allclose(borders.affinity, [np.mean(across[one]) for one in sorted(across)], rtol=1e-5)
    assert borders.counts.tolist() == [len(across[one]) for one in sorted(across)]
    assert np.all((borders.positions >= 0) & (borders.positions < shape))


@settings(max_examples=10)
@given(st.integers(0, 999), st.sampled_from([(13, 6), (4, 11, 3)]))
def test_a_boundary_is_the_mean_over_the_pairs_around_a_pixel(seed: int, shape: tuple[int, ...]) -> None:
    _, affinities = random_map(seed, shape)
    around: dict[tuple, list[float]] = {}
    for pixel, other, value in pairs_of(affinities):
        ways = [[o - a for a, o in zip(pixel, other, strict=True)] for _ in range(2)]
        for way, up in zip(ways, (0, 1), strict=True):
            steps = [int(np.sign(w)) * ((abs(w) + up) // 2) for w in way]
            middle = tuple(a + s for a, s in zip(pixel, steps, strict=True))
            around.setdefault(middle, []).append(1 - value)

    boundary = affinities.boundary()

    for pixel in product(*map(range, shape)):
        assert boundary[pixel] == pytest.approx(np.mean(around[pixel]), abs=1e-5)


def test_a_crop_lies_where_it_was_asked_for_and_beyond_the_affinities_there_is_none() -> None:
    _, whole = random_map(0, (20, 20))
    affinities = AffinityMap(whole.values, whole.offsets, (100, 50))

    part = affinities.crop(Tile((104, 52), (6, 7)))

    assert part.tile == Tile((104, 52), (6, 7))
    assert np.array_equal(part.values, whole.values[:, 4:10, 2:9])
    with pytest.raises(InputError, match="predict that region first"):
        affinities.crop(Tile((99, 52), (6, 7)))


def test_affinities_that_do_not_fit_their_offsets_are_refused() -> None:
    with pytest.raises(InputError, match="a channel for each"):
        AffinityMap(np.zeros((3, 5, 5), np.float32), OFFSETS)
    with pytest.raises(InputError, match="nearest neighbours"):
        AffinityMap(np.zeros((2, 5, 5), np.float32), [(-3, 0), (0, -1)])


def test_the_nearest_affinity_of_a_pixel_is_that_of_either_side() -> None:
    values = np.zeros((2, 3, 3), np.float32)
    values[0, 2, 1] = 0.7
    nearest = AffinityMap(values, [(-1, 0), (0, -1)]).nearest()
    assert np.argwhere(nearest).tolist() == [[1, 1], [2, 1]]
