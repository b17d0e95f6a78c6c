"""What the axes of a layer are: as its file says, as napari has it, or as the user says."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.core.tile import Tile
from napari_graft.io import open_volume
from napari_graft.io.opening import read_facts
from napari_graft.workbench.data.layer_image import LayerImage, extra_axes, read_as

RNG = np.random.default_rng(0)


def layer(pixels: np.ndarray, path: Path | None = None, **more: object) -> LayerImage:
    return LayerImage("layer", pixels, path=None if path is None else str(path), **more)


def whole(image: LayerImage) -> np.ndarray:
    return np.asarray(image.volume().read_raw(Tile((0,) * len(image.shape), image.shape)))


@pytest.mark.parametrize(
    ("axes", "shape", "metadata", "meanings"),
    [
        ("CYX", (4, 30, 40), {"mode": "composite"}, ["channels"]),
        ("CYX", (2, 30, 40), {"mode": "composite"}, ["channels"]),
        ("TYX", (4, 30, 40), {}, ["time"]),
        ("ZYX", (4, 30, 40), {}, ["slices"]),
        ("ZCYX", (5, 2, 30, 40), {"mode": "composite"}, ["slices", "channels"]),
        ("TZYX", (3, 5, 30, 40), {}, ["time", "slices"]),
        ("TCYX", (3, 2, 30, 40), {"mode": "composite"}, ["time", "channels"]),
    ],
)
def test_axes_are_what_the_file_says(
    tmp_path: Path, axes: str, shape: tuple[int, ...], metadata: dict[str, object], meanings: list[str]
) -> None:
    pixels = RNG.integers(0, 255, shape, np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True, metadata={"axes": axes} | metadata)
    found = extra_axes(layer(pixels), read_facts(str(tmp_path / "a.tif")))

    assert [one.meaning for one in found] == meanings
    assert {one.said_by for one in found} == {"file"}


def test_channels_have_the_names_of_the_file(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 255, (4, 30, 40), np.uint8)
    names = ["DAPI", "GFP", "RFP", "membrane"]
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, metadata={"axes": "CYX", "Channel": {"Name": names}})
    (found,) = extra_axes(layer(pixels), read_facts(str(tmp_path / "a.ome.tif")))

    assert (found.meaning, list(found.names)) == ("channels", names)
    with pytest.raises(ValueError, match="has 4 channels, and one is segmented"):
        read_as(layer(pixels), [found])


@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_one_axis_of_which_nothing_is_known_is_taken_for_slices(tmp_path: Path, n: int) -> None:
    pixels = RNG.integers(0, 255, (n, 30, 40), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack")
    for facts in (None, read_facts(str(tmp_path / "a.tif"))):
        (found,) = extra_axes(layer(pixels), facts)
        assert (found.meaning, found.said_by) == ("slices", "")
        assert ("colours" in found.meanings) == (n in (3, 4))
        assert read_as(layer(pixels), [found]).data is pixels


def test_two_axes_of_which_nothing_is_known_are_asked_for() -> None:
    pixels = RNG.integers(0, 255, (3, 5, 30, 40), np.uint8)
    first, second = extra_axes(layer(pixels))
    with pytest.raises(ValueError, match="say what its axis of 3 is"):
        read_as(layer(pixels), [first, second])
    with pytest.raises(ValueError, match="cannot both be slices"):
        read_as(layer(pixels), [first.taken_for("slices"), second.taken_for("slices")])


@pytest.mark.parametrize("meanings", list(permutations(["time", "channels", "slices"], 2)))
def test_pixels_are_those_that_were_chosen(meanings: tuple[str, str]) -> None:
    pixels = RNG.integers(0, 255, (3, 5, 30, 40), np.uint8)
    extra = [
        one.taken_for(meaning, None if meaning == "slices" else 1)  # type: ignore[arg-type]
        for one, meaning in zip(extra_axes(layer(pixels)), meanings, strict=True)
    ]
    expected = pixels[tuple(slice(None) if one == "slices" else 1 for one in meanings)]

    np.testing.assert_array_equal(whole(read_as(layer(pixels), extra)), expected)


def test_colours_that_come_first_are_colours_and_lengths_follow_the_axes() -> None:
    pixels = RNG.integers(0, 255, (3, 30, 40), np.uint8)
    image = layer(pixels, pixel_size=(9.0, 2.0, 1.0))
    (axis,) = extra_axes(image)
    seen = read_as(image, [axis.taken_for("colours")])

    assert (seen.shape, seen.has_channels, seen.pixel_size) == ((30, 40), True, (2.0, 1.0))
    np.testing.assert_array_equal(whole(seen), np.moveaxis(pixels, 0, -1))
    assert read_as(image, [axis.taken_for("channels", 2)]).pixel_size == (2.0, 1.0)


def test_time_points_of_a_colour_film_can_be_chosen() -> None:
    film = RNG.integers(0, 255, (4, 30, 40, 3), np.uint8)
    (axis,) = extra_axes(layer(film, has_channels=True))

    assert "colours" not in axis.meanings
    seen = read_as(layer(film, has_channels=True), [axis.taken_for("time", 2)])
    np.testing.assert_array_equal(whole(seen), film[2])


def test_channel_that_was_chosen_needs_no_copy_where_the_file_knows_channels(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 255, (4, 30, 40), np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "CYX", "mode": "composite"})
    image = layer(pixels, path)
    (axis,) = extra_axes(image, read_facts(str(path)))

    assert read_as(image, [axis.taken_for("channels", 2)]).is_in_file()
    assert not read_as(image, [axis.taken_for("time", 2)]).is_in_file()
    np.testing.assert_array_equal(open_volume(path, channel=2).read_raw(Tile((0, 0), (30, 40))), pixels[2])


def test_what_is_no_image_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0 this is no image")
    assert read_facts(str(tmp_path / "a.tif")) is None
    assert read_facts(str(tmp_path / "none.tif")) is None
    assert read_facts("https://example.org/image.zarr") is None
