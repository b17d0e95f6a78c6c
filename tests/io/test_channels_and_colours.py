"""Channels that are no colours, colours that are no channels, and samples that stand for others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels, open_volume

FOUR = np.random.default_rng(0).integers(0, 255, (4, 24, 30)).astype(np.uint8)
THREE = FOUR[:3]
NAMES = ["DAPI", "GFP", "RFP", "membrane"]
PICTURE = np.full((24, 30, 3), 250, np.uint8)
PICTURE[6:18, 6:18] = (90, 60, 140)
GREY = PICTURE @ np.array([0.2125, 0.7154, 0.0721])


def read(volume: Volume) -> np.ndarray[Any, Any]:
    return volume.read(Tile((0,) * len(volume.shape), volume.shape))


def imagej(path: Path, channels: np.ndarray, **metadata: Any) -> Path:
    tifffile.imwrite(path, channels, imagej=True, metadata={"axes": "CYX", "mode": "composite", **metadata})
    return path


def ome(path: Path, channels: np.ndarray, names: list[str]) -> Path:
    tifffile.imwrite(path, channels, ome=True, metadata={"axes": "CYX", "Channel": {"Name": names}})
    return path


@pytest.mark.parametrize("n", [3, 4])
def test_fluorescence_channels_are_no_colours_and_one_is_chosen_by_name_or_number(
    tmp_path: Path, n: int
) -> None:
    channels, names = FOUR[:n], NAMES[:n]
    paths = [
        imagej(tmp_path / "plain.tif", channels),
        imagej(tmp_path / "named.tif", channels, Labels=names),
        ome(tmp_path / "a.ome.tif", channels, names),
    ]
    for path in paths:
        with pytest.raises(
            InputError, match=rf"{n} channels.*choose one channel from 0 to {n - 1} with --chan"
        ):
            open_volume(path)
        for chosen in (2, "2"):
            np.testing.assert_array_equal(read(open_volume(path, channel=chosen)), channels[2])
    for path in paths[1:]:
        with pytest.raises(InputError, match="0 DAPI, 1 GFP, 2 RFP"):
            open_volume(path)
        np.testing.assert_array_equal(read(open_volume(path, channel="rfp")), channels[2])
        assert open_volume(path, channel="RFP").notes == (f"channel 2 'RFP' of {n} is used",)
        with pytest.raises(InputError, match=r"no channel Cy5.*1 GFP"):
            open_volume(path, channel="Cy5")
        with pytest.raises(InputError, match="no channel -1"):
            open_volume(path, channel=-1)


def test_channels_are_colours_where_the_user_says_so(tmp_path: Path) -> None:
    path = imagej(tmp_path / "a.tif", THREE)
    assert open_volume(path, channel="rgb").channel_axis == 2
    with pytest.raises(InputError, match="colours are three or four"):
        open_volume(imagej(tmp_path / "b.tif", FOUR[:2]), channel="rgb")


@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_stack_of_three_or_four_slices_that_tifffile_wrote_as_colours_is_asked_about(
    tmp_path: Path, n: int, dtype: type
) -> None:
    stack = FOUR[:n].astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stack)
    with pytest.raises(InputError, match=r"--axes cyx --channel rgb if so, --axes zyx if they are slices"):
        open_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.tif", axes="zyx")), stack)
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.tif", channel=1)), stack[1])
    assert open_volume(tmp_path / "a.tif", axes="cyx", channel="rgb").shape == (24, 30)


def test_samples_that_are_said_to_be_grey_are_asked_about(tmp_path: Path) -> None:
    slices = np.moveaxis(THREE, 0, -1)
    tifffile.imwrite(tmp_path / "a.tif", slices, photometric="minisblack", planarconfig="contig")
    with pytest.raises(InputError, match="--axes yxz if they are slices"):
        open_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.tif", axes="yxz")), THREE)


def test_three_grey_pages_are_slices_and_a_note_says_so(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", THREE, photometric="minisblack")
    volume = open_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(volume), THREE)
    assert volume.notes == (
        "it does not say what its axes are: (3, 24, 30) is taken for zyx, give --axes if that is wrong",
    )
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.tif", axes="cyx", channel=1)), THREE[1])


def test_an_axis_that_is_none_of_ours_is_named(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", FOUR, metadata={"axes": "AYX"}, photometric="minisblack")
    with pytest.raises(InputError, match=r"axis 'a' \(angle\) of length 4.*--axes zyx"):
        open_volume(tmp_path / "a.tif")
    assert open_volume(tmp_path / "a.tif", axes="zyx").shape == FOUR.shape


def _photo(path: Path, mode: str, **options: Any) -> Path:
    Image.fromarray(PICTURE).convert(mode, palette=Image.Palette.ADAPTIVE).save(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("a.png", "RGB", {}),
        ("a.png", "RGBA", {}),
        ("a.png", "P", {}),
        ("a.bmp", "P", {}),
        ("a.jpg", "RGB", {"quality": 100}),
        ("a.jpg", "CMYK", {"quality": 100}),
        ("a.tif", "RGB", {}),
        ("a.tif", "RGBA", {}),
        ("a.tif", "P", {}),
        ("a.tif", "CMYK", {}),
        ("a.tif", "CMYK", {"compression": "tiff_lzw"}),
        ("a.tif", "YCbCr", {}),
        ("a.tif", "RGB", {"compression": "jpeg", "quality": 100}),
        ("a.tif", "YCbCr", {"compression": "jpeg", "quality": 100}),
    ],
)
def test_a_photograph_is_the_same_grey_however_it_is_stored(
    tmp_path: Path, name: str, mode: str, options: dict[str, Any]
) -> None:
    grey = read(open_volume(_photo(tmp_path / name, mode, **options)))
    assert grey[0, 0] == pytest.approx(GREY[0, 0], abs=3)
    assert grey[12, 12] == pytest.approx(GREY[12, 12], abs=3)


def test_sixteen_bits_of_colour_keep_their_range(tmp_path: Path) -> None:
    wide = PICTURE.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", wide, photometric="rgb")
    np.testing.assert_allclose(read(open_volume(tmp_path / "a.tif")), GREY * 257, rtol=1e-4)


def test_lightness_stands_for_lab_colours(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", PICTURE, photometric="cielab")
    volume = open_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(volume), PICTURE[..., 0])
    assert "lightness" in volume.notes[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_dark_and_bright_are_swapped_where_0_is_white(
    tmp_path: Path, dtype: type, compression: str | None
) -> None:
    stored = FOUR.astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite", compression=compression)
    volume = open_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(volume.read_raw(Tile((0, 0, 0), FOUR.shape)), ~stored)
    np.testing.assert_array_equal(volume.read_raw(Tile((1, 2, 3), (1, 4, 5))), ~stored[1:2, 2:6, 3:8])
    assert any("0 is white" in note for note in volume.notes)
    if dtype is not np.int16:
        np.testing.assert_array_equal(open_labels(tmp_path / "a.tif").data[:], stored)


def test_numbers_of_a_palette_are_colours_of_an_image_and_labels_of_a_label_image(tmp_path: Path) -> None:
    table = np.random.default_rng(2).integers(0, 255, (3, 256)).astype(np.uint16)
    for number, (dtype, scale) in enumerate([(np.uint8, 257), (np.uint8, 1), (np.uint16, 257)]):
        path = tmp_path / f"{number}.tif"
        wide = np.tile(table, 256) if dtype is np.uint16 else table
        tifffile.imwrite(path, FOUR[0].astype(dtype), photometric="palette", colormap=wide * scale)
        colours = open_volume(path).read_raw(Tile((0, 0), (24, 30)))
        np.testing.assert_array_equal(colours, table.T[FOUR[0]])
        np.testing.assert_array_equal(open_labels(path).read_raw(Tile((0, 0), (24, 30))), FOUR[0])


def test_a_colour_table_of_imagej_is_how_the_grey_values_were_shown(tmp_path: Path) -> None:
    fire = np.random.default_rng(2).integers(0, 65535, (3, 256)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", FOUR[0], imagej=True, colormap=fire)
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.tif")), FOUR[0])


def test_transparency_is_not_used_and_a_note_says_so(tmp_path: Path) -> None:
    veiled = np.dstack([PICTURE, FOUR[3]])
    Image.fromarray(veiled, "RGBA").save(tmp_path / "a.png")
    volume = open_volume(tmp_path / "a.png")
    np.testing.assert_allclose(read(volume), GREY, atol=0.01)
    assert volume.notes == ("the fourth channel, transparency, is not used; --channel 3 takes it alone",)
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.png", channel=3)), FOUR[3])
    Image.fromarray(veiled[..., 2:], "LA").save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"2 channels \(0 grey, 1 transparency\).*--channel"):
        open_volume(tmp_path / "b.png")


def test_channels_of_which_nothing_is_known(tmp_path: Path) -> None:
    for n, taken in ((3, True), (4, False)):
        path = tmp_path / f"{n}.zarr"
        zarr.create_array(path, data=FOUR[:n], dimension_names=("c", "y", "x"))
        if taken:
            volume = open_volume(path)
            assert volume.channel_axis == 2
            assert "taken for red, green and blue; --channel 0" in volume.notes[0]
        else:
            with pytest.raises(InputError, match=r"4 channels.*--channel rgb"):
                open_volume(path)


def test_probabilities_of_ilastik_are_no_colours(tmp_path: Path) -> None:
    tags = '{"axes": [{"key": "y"}, {"key": "x"}, {"key": "c"}]}'
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("exported_data", data=np.moveaxis(THREE, 0, -1) / 255)
        data.attrs["axistags"] = tags
    with pytest.raises(InputError, match=r"3 channels.*--channel"):
        open_volume(tmp_path / "a.h5")
    np.testing.assert_allclose(read(open_volume(tmp_path / "a.h5", channel=1)), THREE[1] / 255, rtol=1e-6)
