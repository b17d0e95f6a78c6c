from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.acquisition.tiles import candidate_tiles, is_blank, tile_contrast
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_tiles_lie_inside_do_not_overlap_and_are_as_many_as_fit(data):
    ndim = data.draw(st.integers(2, 3))
    shape = data.draw(st.tuples(*[st.integers(1, 30)] * ndim))
    tile_shape = data.draw(st.tuples(*[st.integers(3, 20)] * ndim))
    tiles = candidate_tiles(shape, tile_shape, np.random.default_rng(0), 10**6)
    image = Tile((0,) * ndim, shape)
    assert len(tiles) == np.prod([max(1, n // t) for n, t in zip(shape, tile_shape, strict=True)])
    assert all(image.contains(tile) for tile in tiles)
    assert {tile.shape for tile in tiles} == {tuple(map(min, shape, tile_shape))}
    assert not any(a.overlaps(b) for a, b in combinations(tiles[:40], 2))


def test_leftover_pixels_are_spread_between_the_tiles():
    tiles = candidate_tiles((700, 300), (256, 256), np.random.default_rng(0), 100)
    assert [tile.start for tile in tiles] == [(0, 22), (444, 22)]


def test_a_stack_gives_tiles_of_single_slices():
    tiles = candidate_tiles((3, 64, 64), (32, 32), np.random.default_rng(0), 100)
    assert len(tiles) == 12
    assert {tile.shape for tile in tiles} == {(1, 32, 32)}


def test_an_image_smaller_than_the_tile_gives_one_clipped_tile():
    assert candidate_tiles((50, 40), (256, 256), np.random.default_rng(0), 9) == [Tile((0, 0), (50, 40))]


def test_the_limit_takes_a_random_part_of_the_grid_in_order():
    shape, tile_shape = (4, 640, 640), (64, 64)
    every = candidate_tiles(shape, tile_shape, np.random.default_rng(0), 1000)
    part = candidate_tiles(shape, tile_shape, np.random.default_rng(0), 50)
    positions = [every.index(tile) for tile in part]
    assert len(part) == 50
    assert positions == sorted(set(positions))
    assert part != candidate_tiles(shape, tile_shape, np.random.default_rng(1), 50)


def test_an_image_of_terabytes_costs_no_more():
    tiles = candidate_tiles((100_000, 200_000, 200_000), (1, 256, 256), np.random.default_rng(0), 300)
    assert len(tiles) == 300


@pytest.mark.parametrize(
    ("shape", "tile_shape", "limit"),
    [((64, 64), (1, 32, 32), 5), ((4, 64, 64), (32,), 5), ((64, 64), (0, 32), 5), ((64, 64), (32, 32), 0)],
)
def test_impossible_tiles_are_refused(shape, tile_shape, limit):
    with pytest.raises(InputError, match="cannot take"):
        candidate_tiles(shape, tile_shape, np.random.default_rng(0), limit)


def test_contrast_is_the_deviation_of_block_means():
    pixels = np.random.default_rng(0).normal(size=(12, 8)).astype(np.float32)
    means = pixels.astype(float).reshape(3, 4, 2, 4).mean((1, 3))
    assert tile_contrast(pixels) == pytest.approx(means.std())
    assert tile_contrast(pixels[None]) == pytest.approx(means.std())


def test_contrast_of_a_size_that_no_block_divides():
    pixels = np.random.default_rng(0).normal(size=(5, 3))
    assert tile_contrast(pixels) == pytest.approx(np.std([pixels[:4].mean(), pixels[4:].mean()]))


def test_noise_counts_less_than_structure():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(64, 64))
    structure = np.kron(rng.normal(size=(4, 4)), np.ones((16, 16)))
    assert tile_contrast(noise) < 0.35 * tile_contrast(structure)


def test_blank_tiles_are_found_though_most_tiles_are_blank():
    assert is_blank([0.01] * 16 + [0.9, 1.0, 1.1, 1.2]).tolist() == [True] * 16 + [False] * 4


def test_one_bright_speck_does_not_make_the_others_blank():
    assert not is_blank([1.0] * 20 + [1000.0]).any()


@pytest.mark.parametrize("contrasts", [[], [0.0, 0.0], [3.0]])
def test_tiles_that_are_all_alike_are_kept(contrasts):
    assert not is_blank(contrasts).any()


@pytest.mark.real
@pytest.mark.parametrize(
    ("folder", "image", "fewest"),
    [("dsb2018_fluo_520", "images.tif", 5), ("isbi2012_vnc_sstem", "image.tif", 0)],
)
def test_blank_tiles_of_real_images_hold_next_to_no_objects(folder, image, fewest):
    if not (DATA / folder).is_dir():
        pytest.skip(f"the real images are not there: ../shared/data/{folder}")
    import tifffile

    pixels = tifffile.imread(DATA / folder / image)
    labels = tifffile.imread(DATA / folder / "labels_instances.tif")
    tiles = candidate_tiles(pixels.shape, (128, 128), np.random.default_rng(0), 200)
    blank = is_blank([tile_contrast(pixels[tile.slices]) for tile in tiles])
    shares = np.array([(labels[tile.slices] > 0).mean() for tile in tiles])
    if fewest == 0:
        assert not blank.any()
    else:
        assert blank.sum() >= fewest
        assert shares[blank].max() < 0.05
        assert np.median(shares[~blank]) > 0.1
