"""Image files of every format with damage in any place: words, no traceback, no hang, little memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import prod
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from fuzzing import fuzz_file
from napari_graft.core.tile import Tile
from napari_graft.io import open_volume

Write = Callable[[Path], Path]

STACK = np.random.default_rng(0).integers(0, 255, (3, 24, 40)).astype(np.uint8)
COLOURS = np.random.default_rng(1).integers(0, 255, (24, 40, 3)).astype(np.uint8)
MOST_PIXELS = 10**6
N_SHORT, N_LONG = 12, 200


def read_all(path: Path) -> None:
    """Open an image and read all of it, or where it claims to be large, its first and last pixels."""
    volume = open_volume(path)
    if prod(volume.shape) <= MOST_PIXELS:
        volume.read(Tile((0,) * len(volume.shape), volume.shape))
        return
    for start in ((0,) * len(volume.shape), tuple(max(0, n - 16) for n in volume.shape)):
        volume.read(Tile(start, tuple(min(n, 16) for n in volume.shape)))


def _tiff(**options: object) -> Write:
    def write(folder: Path) -> Path:
        tifffile.imwrite(folder / "a.tif", STACK, **options)
        return folder / "a.tif"

    return write


def _picture(name: str, mode: str = "RGB") -> Write:
    def write(folder: Path) -> Path:
        Image.fromarray(COLOURS).convert(mode).save(folder / name)
        return folder / name

    return write


def _hdf5(**options: object) -> Write:
    def write(folder: Path) -> Path:
        with h5py.File(folder / "a.h5", "w") as file:
            image = file.create_dataset("image", data=STACK, **options)
            image.attrs["element_size_um"] = (0.3, 0.1, 0.1)
            image.attrs["axistags"] = json.dumps({"axes": [{"key": key, "typeFlags": 2} for key in "zyx"]})
        return folder / "a.h5"

    return write


def _zarr(zarr_format: int) -> Write:
    def write(folder: Path) -> Path:
        axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
        scale = {"type": "scale", "scale": [0.3, 0.1, 0.1]}
        images = [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": [scale]}]}]
        attributes = (
            {"ome": {"version": "0.5", "multiscales": images}}
            if zarr_format == 3
            else {"multiscales": [images[0] | {"version": "0.4"}]}
        )
        group = zarr.create_group(folder / "a.zarr", zarr_format=zarr_format, attributes=attributes)
        group.create_array("0", data=STACK, chunks=(1, 24, 40))
        return folder / "a.zarr"

    return write


FORMATS: dict[str, Write] = {
    "plain TIFF": _tiff(),
    "OME-TIFF": _tiff(ome=True, metadata={"axes": "ZYX", "PhysicalSizeX": 0.1}),
    "ImageJ": _tiff(imagej=True, resolution=(10, 10), metadata={"axes": "ZYX", "unit": "um", "spacing": 0.3}),
    "deflated": _tiff(compression="zlib", rowsperstrip=5),
    "LZW": _tiff(compression="lzw"),
    "tiles": _tiff(tile=(16, 16), compression="zlib"),
    "JPEG in TIFF": _tiff(tile=(16, 16), compression="jpeg"),
    "BigTIFF": _tiff(bigtiff=True, byteorder=">"),
    "PNG": _picture("a.png"),
    "PNG with a palette": _picture("a.png", "P"),
    "JPEG": _picture("a.jpg"),
    "BMP": _picture("a.bmp"),
    "HDF5": _hdf5(),
    "HDF5 in chunks": _hdf5(chunks=(1, 12, 20), compression="gzip", shuffle=True, fletcher32=True),
    "zarr 2": _zarr(2),
    "zarr 3": _zarr(3),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_image_is_read_or_refused_in_words(tmp_path: Path, name: str) -> None:
    fuzz_file(FORMATS[name](tmp_path), read_all, n=N_SHORT, seed=1000)


@pytest.mark.slow
@pytest.mark.bench
@pytest.mark.parametrize("name", FORMATS)
def test_an_image_damaged_in_many_ways_is_read_or_refused_in_words(tmp_path: Path, name: str) -> None:
    fuzz_file(FORMATS[name](tmp_path), read_all, n=N_LONG, seed=5000)
