"""Pixel sizes in the text "Info" of ImageJ TIFFs: read where they are clear, told and asked where not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_graft.io import Volume, open_volume
from napari_graft.io.pixel_sizes.imagej import INFO_ORIGIN

STACK = np.random.default_rng(1).integers(0, 99, (5, 40, 50), np.uint8)
OF_THIS_IMAGE = " SizeX = 50\n SizeY = 40\n"
OME = "PhysicalSizeX = 0.1\nPhysicalSizeY = 0.1\nPhysicalSizeZ = 0.5\n"
ZEISS = (
    "Scaling|Distance|Id #1 = X\nScaling|Distance|Id #2 = Y\nScaling|Distance|Id #3 = Z\n"
    "Scaling|Distance|Value #1 = 1.0E-7\nScaling|Distance|Value #2 = 1.0E-7\n"
    "Scaling|Distance|Value #3 = 5E-07\nScaling|Distance|DefaultUnitFormat #1 = nm\n"
)


def opened(path: Path, info: str, image: np.ndarray = STACK, **options: Any) -> Volume:
    metadata = {"axes": "ZYX"[-image.ndim :], "Info": info, **options.pop("metadata", {})}
    tifffile.imwrite(path / "a.tif", image, imagej=True, metadata=metadata, **options)
    return open_volume(path / "a.tif")


def size_um(volume: Volume) -> tuple[float, ...] | None:
    size = volume.axes.pixel_size_in("um")
    return None if size is None else tuple(round(one, 6) for one in size)


@pytest.mark.parametrize(
    "info",
    [
        OME,
        OME.replace("0.1", "100").replace("0.5", "500")
        + "".join(f"PhysicalSize{a}Unit = nm\n" for a in "XYZ"),
        OME.replace("0.1", "0.1 µm").replace("0.5", "0.5 µm"),
        ZEISS,
        "Global " + ZEISS.replace("\n", "\nGlobal "),
        ZEISS.replace("Id #1 = X", "Id #1 = Y").replace("Id #2 = Y", "Id #2 = X"),
        "".join(line + "\n" for line in ZEISS.splitlines() if "Id" not in line),
        "Information|Image|SizeX #1 = 50\n" + ZEISS,
        "Voxel size: 0.1 x 0.1 x 0.5 micron^3\n",
        "Voxel size: 0.1x0.1x0.5 µm³\n",
        OME + ZEISS,
        "Pixel size: 0.1 µm\n" + ZEISS,
    ],
)
def test_a_clear_size_is_read_and_its_origin_is_told(tmp_path: Path, info: str) -> None:
    volume = opened(tmp_path, f"made by a program\n{OF_THIS_IMAGE}{info}and notes")
    assert size_um(volume) == (0.5, 0.1, 0.1)
    assert volume.size_note.origin == INFO_ORIGIN
    assert volume.size_note.doubt == ""


@pytest.mark.parametrize("words", ["Pixel size: 0.1 µm", "Pixel Size = 0.1 x 0.1 um", "pixelsize: 100nm"])
def test_a_size_in_words_is_that_of_the_plane(tmp_path: Path, words: str) -> None:
    volume = opened(tmp_path, OF_THIS_IMAGE + words, STACK[0])
    assert size_um(volume) == (0.1, 0.1)
    volume = opened(tmp_path, OF_THIS_IMAGE + words)
    assert size_um(volume) is None
    assert "nothing of z" in volume.size_note.doubt


@pytest.mark.parametrize(
    "sizes", ["", " SizeX = 100\n SizeY = 80\n", " SizeX = 50\n", "SizeX = 50\nSizeY = 50\n"]
)
@pytest.mark.parametrize("info", [OME, ZEISS, "Voxel size: 0.1 x 0.1 x 0.5 um"])
def test_an_image_that_may_have_been_scaled_since_is_asked_about(
    tmp_path: Path, info: str, sizes: str
) -> None:
    volume = opened(tmp_path, sizes + info)
    assert size_um(volume) is None
    assert f"{INFO_ORIGIN} says z 0.5 um, y 0.1 um, x 0.1 um, which may be of the image before" in (
        volume.size_note.doubt.replace("500 nm", "0.5 um").replace("100 nm", "0.1 um")
    )


@pytest.mark.parametrize(
    "info",
    [
        OME + OME.replace("0.1", "0.2"),
        OME + ZEISS.replace("1.0E-7", "2.0E-7"),
        "Voxel size: 1x1x1 um\n" + OME,
    ],
)
def test_several_sizes_are_none(tmp_path: Path, info: str) -> None:
    volume = opened(tmp_path, OF_THIS_IMAGE + info)
    assert size_um(volume) is None
    assert volume.size_note.doubt == f"{INFO_ORIGIN} says several pixel sizes"


@pytest.mark.parametrize(
    "info",
    [
        "PhysicalSizeX = 0.1\n",
        "Pixel size: 0.1\n",
        "Pixel size: about 0.1 µm\n",
        "Pixel size: 0.1 x 0.2 x 0.3 x 0.4 µm\n",
        "Camera pixel size: 6.5 µm\n",
        "PhysicalSizeX = nothing\nPhysicalSizeY = 0.1\n",
        "= 3\n:\nScaling|Distance|Value #1 = \n",
    ],
)
def test_what_is_not_clear_is_not_read(tmp_path: Path, info: str) -> None:
    volume = opened(tmp_path, OF_THIS_IMAGE + info)
    assert size_um(volume) is None
    assert volume.size_note.doubt == ""


def test_an_implausible_size_is_told_and_asked(tmp_path: Path) -> None:
    volume = opened(tmp_path, OF_THIS_IMAGE + OME.replace("0.1", "6500"))
    assert size_um(volume) is None
    assert "too coarse for a pixel of a microscope" in volume.size_note.doubt


def test_the_calibration_of_imagej_wins(tmp_path: Path) -> None:
    metadata = {"unit": "um", "spacing": 0.7}
    volume = opened(tmp_path, OF_THIS_IMAGE + OME, resolution=(4, 4), metadata=metadata)
    assert size_um(volume) == (0.7, 0.25, 0.25)
    assert volume.size_note.origin == "the ImageJ metadata of the TIFF"


def test_a_long_text_takes_no_time(tmp_path: Path) -> None:
    volume = opened(tmp_path, OF_THIS_IMAGE + OME + "a" * 100_000 + "\n" + " = : " * 100_000 + "\n" * 10_000)
    assert size_um(volume) == (0.5, 0.1, 0.1)
