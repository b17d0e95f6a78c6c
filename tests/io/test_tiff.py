"""TIFF files of many makers, written by tifffile, and broken ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io import Volume, check_image, open_volume

STACK = np.random.default_rng(1).integers(0, 999, (5, 70, 90)).astype(np.uint16)
WHOLE = Tile((0, 0, 0), STACK.shape)
NO_LENGTH = (None, None)
TIFF_OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "big": {"bigtiff": True},
    "big endian": {"byteorder": ">"},
    "zlib strips": {"compression": "zlib", "rowsperstrip": 7},
    "zlib predictor": {"compression": "zlib", "predictor": True},
    "lzw": {"compression": "lzw"},
    "tiles": {"tile": (32, 32), "compression": "zlib"},
    "without metadata": {"metadata": None},
    "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
    "ome compressed": {"ome": True, "metadata": {"axes": "ZYX"}, "compression": "zlib"},
    "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
}


def all_pixels(volume: Volume) -> np.ndarray[Any, Any]:
    return volume.read_raw(Tile((0,) * len(volume.shape), volume.shape))


@pytest.mark.parametrize("options", TIFF_OPTIONS.values(), ids=TIFF_OPTIONS.keys())
def test_a_stack_is_read_as_it_was_written_without_being_loaded(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, **options)
    volume = open_volume(tmp_path / "a.tif")
    assert volume.axes.names == ("z", "y", "x")
    assert volume.axes.pixel_size is None
    assert volume.channel_axis is None
    assert isinstance(volume.data, np.memmap) or not isinstance(volume.data, np.ndarray)
    assert volume.dtype.newbyteorder("=") == STACK.dtype
    np.testing.assert_array_equal(all_pixels(volume), STACK)
    np.testing.assert_array_equal(volume.read(Tile((1, 30, 40), (2, 20, 10))), STACK[1:3, 30:50, 40:50])


def test_pages_written_one_by_one_are_one_stack(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for page in STACK:
            tif.write(page, compression="zlib", metadata=None)
    np.testing.assert_array_equal(all_pixels(open_volume(tmp_path / "a.tif")), STACK)


def test_many_threads_read_one_compressed_file(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, tile=(16, 16), compression="zlib")
    volume = open_volume(tmp_path / "a.tif")
    tiles = list(TileGrid(STACK.shape, (2, 30, 30))) * 3
    with ThreadPoolExecutor(8) as pool:
        for tile, pixels in zip(tiles, pool.map(volume.read_raw, tiles), strict=True):
            np.testing.assert_array_equal(pixels, STACK[tile.slices])


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_red_green_and_blue_are_channels(tmp_path: Path, planar: str, compression: str | None) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (40, 50, 3)).astype(np.uint8)
    stored = colours if planar == "contig" else np.moveaxis(colours, -1, 0)
    options = {"photometric": "rgb", "planarconfig": planar, "compression": compression}
    tifffile.imwrite(tmp_path / "a.tif", stored, **options)
    # tifffile writes three slices in planes as well, unless it is told that they are grey
    volume = open_volume(tmp_path / "a.tif", axes=None if planar == "contig" else "cyx")
    assert volume.shape == (40, 50)
    np.testing.assert_array_equal(all_pixels(volume), colours)
    green = open_volume(tmp_path / "a.tif", channel=1)
    np.testing.assert_array_equal(all_pixels(green), colours[..., 1])


def test_single_axes_of_an_ome_tiff_are_dropped(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK[None, :, None], metadata={"axes": "TZCYX"})
    volume = open_volume(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(all_pixels(volume), STACK)


def test_channels_that_are_not_colours_are_counted_and_can_be_picked(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, ome=True, metadata={"axes": "CYX"})
    with pytest.raises(InputError, match=r"5 channels.*choose one channel from 0 to 4"):
        open_volume(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"no channel 5"):
        open_volume(tmp_path / "a.tif", channel=5)
    np.testing.assert_array_equal(all_pixels(open_volume(tmp_path / "a.tif", channel=2)), STACK[2])


def test_time_points_are_refused_and_can_be_named_slices(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(InputError, match=r"5 time points.*'zyx'"):
        open_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(all_pixels(open_volume(tmp_path / "a.tif", axes="zyx")), STACK)


def test_ome_xml_gives_the_pixel_size_in_one_unit(tmp_path: Path) -> None:
    sizes = {"PhysicalSizeX": 4.0, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 5.0, "PhysicalSizeYUnit": "nm"}
    metadata = {"axes": "ZYX", **sizes, "PhysicalSizeZ": 0.05}  # µm where no unit is given
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, metadata=metadata)
    axes = open_volume(tmp_path / "a.ome.tif").axes
    assert axes.unit == "nm"
    assert axes.pixel_size == pytest.approx((50, 5, 4))


@pytest.mark.parametrize("unit", ["um", "micron", "\\u00B5m"])
def test_imagej_gives_the_pixel_size(tmp_path: Path, unit: str) -> None:
    metadata = {"axes": "ZYX", "spacing": 0.05, "unit": unit}
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=(250, 200), metadata=metadata)
    axes = open_volume(tmp_path / "a.tif").axes
    assert axes.pixel_size_in("nm") == pytest.approx((50, 5, 4))


def test_imagej_without_a_unit_of_length_gives_no_pixel_size(tmp_path: Path) -> None:
    metadata = {"axes": "ZYX", "spacing": 1.0, "unit": "pixel"}
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=(1, 1), metadata=metadata)
    assert open_volume(tmp_path / "a.tif").axes.pixel_size is None


@pytest.mark.parametrize(
    ("resolution", "unit", "expected"),
    [
        ((2.5e6, 2e6), "CENTIMETER", (5, 4)),
        ((2.54e6, 2.54e6), "INCH", (10, 10)),
        ((300, 300), "INCH", None),
        ((72, 72), "INCH", None),
        ((2.5e6, 2e6), "NONE", None),
    ],
)
def test_resolution_tags_count_unless_they_are_about_printing(
    tmp_path: Path, resolution: tuple[float, float], unit: str, expected: tuple[float, float] | None
) -> None:
    options = {"resolution": resolution, "resolutionunit": unit, "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", STACK[0], **options)
    found = open_volume(tmp_path / "a.tif").axes.pixel_size_in("nm")
    assert found == (None if expected is None else pytest.approx(expected))


def test_the_user_knows_the_pixel_size_better_than_the_file(tmp_path: Path) -> None:
    metadata = {"axes": "ZYX", "PhysicalSizeX": 4.0, "PhysicalSizeY": 5.0, "PhysicalSizeZ": 50.0}
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, metadata=metadata)
    axes = open_volume(tmp_path / "a.ome.tif", pixel_size=(3, 2, 1), unit="um").axes
    assert (axes.pixel_size, axes.unit) == ((3, 2, 1), "um")


@pytest.mark.parametrize(
    "name", ["plain", "zlib strips", "tiles", "ome compressed", "imagej", "without metadata"]
)
def test_a_file_that_was_cut_short_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, software=False, **TIFF_OPTIONS[name])
    content = path.read_bytes()
    for part in (0.0001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        path.write_bytes(content[: max(1, int(len(content) * part))])
        with pytest.raises(InputError, match=r"a\.tif (is cut short|cannot be read as TIFF)"):
            open_volume(path)


@pytest.mark.parametrize("name", TIFF_OPTIONS)
def test_the_last_bytes_of_a_file_may_only_lack_where_no_pixel_does(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, **TIFF_OPTIONS[name])
    content = path.read_bytes()
    for n_lost in range(1, 200, 9):
        path.write_bytes(content[:-n_lost])
        try:
            volume = open_volume(path)
        except InputError:
            continue
        np.testing.assert_array_equal(all_pixels(volume), STACK)


def test_a_damaged_strip_is_named_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, compression="zlib")
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[3]
        start, n_bytes = page.dataoffsets[0], page.databytecounts[0]
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * n_bytes)
    volume = open_volume(path)
    np.testing.assert_array_equal(volume.read_raw(Tile((0, 0, 0), (2, 70, 90))), STACK[:2])
    with pytest.raises(InputError, match=r"cannot read pixels \(3, 0, 0\).*a\.tif"):
        volume.read(Tile((3, 0, 0), (1, 9, 9)))


def test_a_text_file_named_tif_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.tif").write_text("slice 3 is torn\n" * 9)
    with pytest.raises(InputError, match=r"notes\.tif cannot be read as TIFF.*make a new copy"):
        open_volume(tmp_path / "notes.tif")


@pytest.mark.parametrize(("value", "is_told"), [("-9999", True), ("0", True), ("nan", False)])
def test_a_value_that_stands_for_no_data_is_told(tmp_path: Path, value: str, is_told: bool) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, extratags=[(42113, "s", 0, value, True)])
    volume = open_volume(tmp_path / "a.tif")
    assert any(f"{value} stands for no data" in note and "crop" in note for note in volume.notes) == is_told
    assert volume.no_data == (float(value) if is_told else None)


def _with_no_data(path: Path, image: np.ndarray, value: str, **options: Any) -> Volume:
    tifffile.imwrite(path, image, extratags=[(42113, "s", 0, value, True)], **options)
    return open_volume(path)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("uint8", "255"), ("uint16", "65535"), ("int16", "-9999"), ("float32", "-3.4028234663852886e+38")],
)
def test_pixels_without_data_are_known_wherever_a_tile_lies(tmp_path: Path, dtype: str, value: str) -> None:
    image = np.arange(2000).reshape(40, 50).astype(dtype) % 200
    image[:10, :20] = float(value)
    volume = _with_no_data(tmp_path / "a.tif", image, value)
    for tile in (Tile((0, 0), (40, 50)), Tile((5, 15), (9, 9)), Tile((-6, -4), (20, 30))):
        pixels, has_data = volume.read_with_gaps(tile)
        np.testing.assert_array_equal(pixels, volume.read(tile))
        np.testing.assert_array_equal(has_data, pixels != np.float32(value))
        assert has_data is not None and not has_data.all()


def test_a_coloured_pixel_lacks_data_where_each_of_its_colours_does(tmp_path: Path) -> None:
    image = np.full((30, 40, 3), 90, np.uint8)
    image[:5], image[5:9, :, 0] = 0, 0
    volume = _with_no_data(tmp_path / "a.tif", image, "0", photometric="rgb")
    _, has_data = volume.read_with_gaps(Tile((0, 0), (30, 40)))
    assert has_data is not None
    assert has_data.sum() == 25 * 40
    assert has_data[5:].all()


@pytest.mark.parametrize(("value", "expected"), [("0", 255.0), ("-9999", None)])
def test_where_0_is_white_the_value_without_data_is_inverted_too(
    tmp_path: Path, value: str, expected: float | None
) -> None:
    image = np.arange(1200, dtype=np.uint8).reshape(30, 40)
    volume = _with_no_data(tmp_path / "a.tif", image, value, photometric="miniswhite")
    assert volume.no_data == expected


def test_an_image_of_no_data_alone_is_refused_in_words(tmp_path: Path) -> None:
    volume = _with_no_data(tmp_path / "a.tif", np.full((30, 40), 7, np.uint8), "7")
    with pytest.raises(InputError, match=r"all pixels read from .*a\.tif are 7, .*no data: give another"):
        check_image(volume, np.random.default_rng(0))
