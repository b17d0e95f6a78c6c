"""Reading tiles of a volume, against numpy on the whole image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2gray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume

YX = Axes(("y", "x"))
ZYX = Axes(("z", "y", "x"))
PAD = 30


@st.composite
def images_and_tiles(draw: st.DrawFn) -> tuple[tuple[int, ...], Tile]:
    shape = tuple(draw(st.lists(st.integers(1, 12), min_size=2, max_size=3)))
    start = tuple(draw(st.integers(-PAD, n - 1)) for n in shape)
    stop = tuple(draw(st.integers(max(a, 0) + 1, n + PAD)) for a, n in zip(start, shape, strict=True))
    return shape, Tile(start, tuple(b - a for a, b in zip(start, stop, strict=True)))


@given(images_and_tiles())
def test_a_tile_shows_the_image_mirrored_about_its_edges(case: tuple[tuple[int, ...], Tile]) -> None:
    shape, tile = case
    image = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    mirrored = np.pad(image, PAD, mode="reflect")
    expected = mirrored[tile.shift((PAD,) * len(shape)).slices]
    read = Volume(image, YX if len(shape) == 2 else ZYX).read(tile)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, expected)


@pytest.mark.parametrize("channel_axis", [0, 1, 2])
def test_colours_become_their_luminance_wherever_the_channels_are(channel_axis: int) -> None:
    colours = np.random.default_rng(0).random((7, 9, 4)).astype(np.float32)
    volume = Volume(np.moveaxis(colours, -1, channel_axis), YX, channel_axis)
    assert volume.shape == (7, 9)
    whole = Tile((0, 0), (7, 9))
    np.testing.assert_allclose(volume.read(whole), rgb2gray(colours[..., :3]), atol=1e-6)
    np.testing.assert_array_equal(volume.read_raw(whole), colours)


def test_raw_pixels_keep_their_type_and_are_cut_to_the_image() -> None:
    image = np.arange(20, dtype=">i8").reshape(4, 5)
    raw = Volume(image, YX).read_raw(Tile((2, -3), (9, 5)))
    assert raw.dtype == np.dtype("=i8")
    np.testing.assert_array_equal(raw, image[2:, :2])


def test_pixels_that_were_read_can_be_changed_without_changing_the_image() -> None:
    image = np.zeros((4, 5), np.float32)
    volume = Volume(image, YX)
    volume.read(Tile((0, 0), (4, 5)))[:] = 1
    volume.read_raw(Tile((0, 0), (4, 5)))[:] = 1
    assert image.max() == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_the_first_pixel_that_is_no_real_number_is_named_with_its_position(value: float) -> None:
    image = np.zeros((6, 8))
    image[3, 5] = value
    volume = Volume(image, YX, path="fly.tif")
    assert volume.read(Tile((0, 0), (3, 8))).shape == (3, 8)
    with pytest.raises(InputError, match=r"pixel \(3, 5\) of fly\.tif is") as caught:
        volume.read(Tile((2, 4), (9, 9)))
    assert str(value) in str(caught.value)


def test_a_tile_outside_the_image_is_refused() -> None:
    volume = Volume(np.zeros((4, 5)), YX)
    for read in (volume.read, volume.read_raw):
        with pytest.raises(InputError, match="outside"):
            read(Tile((4, 0), (2, 2)))


def test_axes_that_do_not_fit_the_array_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(4, 5\)"):
        Volume(np.zeros((4, 5)), ZYX)
