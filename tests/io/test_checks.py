"""The look at an image before any work is put into it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import LazyArray, Volume, check_image
from napari_graft.io.volume import sample_tiles

ZYX = Axes(("z", "y", "x"))


class CountingArray:
    """Make pixels when they are asked for, and count them."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.ndim = len(shape)
        self.dtype = np.dtype(np.uint8)
        self.n_read = 0

    def __getitem__(self, key: tuple[slice | int, ...], /) -> np.ndarray:
        box = np.zeros(tuple(part.stop - part.start for part in key if isinstance(part, slice)), np.uint8)
        box.flat[::2] = 200
        self.n_read += box.size
        return box


def check(data: LazyArray) -> None:
    """Look at an image; `CountingArray` tells what was read."""
    check_image(Volume(data, ZYX, path="fly.tif"), np.random.default_rng(0), max_pixels=500_000)


def test_an_image_with_contrast_passes_once_each_pixel_was_read() -> None:
    image = CountingArray((3, 300, 300))
    check(image)
    assert image.n_read == 3 * 300 * 300


@pytest.mark.parametrize("value", [0, 7, -1.5])
def test_a_constant_image_is_refused_with_its_value(value: float) -> None:
    with pytest.raises(InputError, match=rf"fly\.tif are {value:g}: give an image with some contrast"):
        check(np.full((3, 30, 30), value))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_bad_pixel_of_a_small_image_is_found(value: float) -> None:
    image = np.random.default_rng(0).random((3, 300, 300))
    image[2, 299, 299] = value
    with pytest.raises(InputError, match=rf"pixel \(2, 299, 299\) of fly\.tif is {value}"):
        check(image)


def test_one_different_pixel_of_a_small_image_is_contrast() -> None:
    image = np.zeros((3, 300, 300))
    with pytest.raises(InputError, match="some contrast"):
        check(image)
    image[1, 7, 7] = 1
    check(image)


def test_of_a_huge_image_only_a_sample_is_read() -> None:
    huge = CountingArray((10_000, 50_000, 50_000))
    check(huge)
    assert 400_000 < huge.n_read <= 500_000


@pytest.mark.parametrize("shape", [(70, 300), (3, 70, 300), (1, 1, 1)])
def test_the_tiles_of_a_small_image_hold_each_pixel_once(shape: tuple[int, ...]) -> None:
    volume = Volume(np.zeros(shape), Axes(ZYX.names[-len(shape) :]))
    seen = np.zeros(shape, int)
    for tile in sample_tiles(volume, np.random.default_rng(0), max_pixels=100_000):
        seen[tile.slices] += 1
    assert (seen == 1).all()


def test_the_tiles_of_a_large_image_lie_inside_and_repeat_for_a_seed() -> None:
    volume = Volume(CountingArray((40, 900, 200)), ZYX)
    first, second = (
        list(sample_tiles(volume, np.random.default_rng(5), max_pixels=300_000)) for _ in range(2)
    )
    assert first == second
    assert len({tile.start for tile in first}) == len(first) == 300_000 // (256 * 200)
    assert all(Tile((0, 0, 0), volume.shape).contains(tile) for tile in first)
