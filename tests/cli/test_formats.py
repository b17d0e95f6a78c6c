"""Each image format goes through new, suggest and predict, and the result carries the pixel size."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import zarr
from tiny_loop import make_sample, make_stack

from napari_graft.io import open_labels, open_volume

Graft = Callable[..., Any]
FLAT = make_sample((96, 112), seed=7)
STACK = make_stack(3, 64)
RGB = np.stack([FLAT.image, FLAT.image // 2, 255 - FLAT.image], axis=-1)


def _png(folder: Path) -> str:
    iio.imwrite(folder / "image.png", FLAT.image)
    return str(folder / "image.png")


def _stained(folder: Path) -> str:
    """Write an RGB picture with purple nuclei on pink, as of haematoxylin and eosin."""
    shade = 1 - FLAT.image[..., None] / 255
    pink, purple = np.array([235, 180, 205]), np.array([90, 60, 140])
    iio.imwrite(folder / "image.png", (shade * pink + (1 - shade) * purple).astype(np.uint8))
    return str(folder / "image.png")


def _imagej_stack(folder: Path) -> str:
    metadata = {"axes": "ZYX", "spacing": 1.5, "unit": "um"}
    resolution = (1 / 0.25, 1 / 0.25)
    tifffile.imwrite(folder / "stack.tif", STACK.image, imagej=True, metadata=metadata, resolution=resolution)
    return str(folder / "stack.tif")


def _ome_zarr(version: str) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
        datasets = [
            {"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": [1.5, size, size]}]}
            for i, size in enumerate((0.25, 0.5))
        ]
        multiscales = [{"name": "image", "axes": axes, "datasets": datasets}]
        is_new = version == "0.5"
        attributes = (
            {"ome": {"version": version, "multiscales": multiscales}}
            if is_new
            else {"multiscales": [multiscales[0] | {"version": version}]}
        )
        group = zarr.create_group(
            folder / "image.zarr", zarr_format=3 if is_new else 2, attributes=attributes
        )
        group.create_array("0", data=STACK.image, chunks=(1, 32, 32))
        group.create_array("1", data=STACK.image[:, ::2, ::2])
        return str(folder / "image.zarr")

    return write


def _plain_zarr(folder: Path) -> str:
    zarr.create_array(folder / "plain.zarr", data=STACK.image, chunks=(1, 32, 32))
    return str(folder / "plain.zarr")


def _hdf5(folder: Path) -> str:
    with h5py.File(folder / "data.h5", "w") as file:
        file["raw/volume"] = STACK.image
        file["raw/other"] = STACK.image[:, :9]
    return f"{folder / 'data.h5'}::/raw/volume"


@dataclass(frozen=True)
class Case:
    """An image, what the user has to add, and the pixel size in nm that the result must carry."""

    write: Callable[[Path], str]
    shape: tuple[int, ...]
    options: tuple[str, ...]
    pixel_nm: tuple[float, ...] | None


GIVEN = ("--pixel-size", "1.5", "0.25", "0.25", "--unit", "um")
DEEP_NM = (1500.0, 250.0, 250.0)
CASES = {
    "PNG": Case(_png, (96, 112), (), None),
    "PNG with a given pixel size": Case(_png, (96, 112), ("--pixel-size", "300", "200"), (300.0, 200.0)),
    "RGB": Case(_stained, (96, 112), ("--pixel-size", "0.25", "0.25", "--unit", "um"), (250.0, 250.0)),
    "TIFF stack": Case(_imagej_stack, (3, 64, 64), (), DEEP_NM),
    "OME-Zarr 0.4": Case(_ome_zarr("0.4"), (3, 64, 64), (), DEEP_NM),
    "OME-Zarr 0.5": Case(_ome_zarr("0.5"), (3, 64, 64), (), DEEP_NM),
    "plain zarr": Case(_plain_zarr, (3, 64, 64), GIVEN, DEEP_NM),
    "HDF5": Case(_hdf5, (3, 64, 64), GIVEN, DEEP_NM),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("ending", ["tif", "zarr"])
def test_an_image_of_this_format_goes_through(graft: Graft, tmp_path: Path, name: str, ending: str) -> None:
    case = CASES[name]
    project, out = tmp_path / "p.graft", tmp_path / f"segments.{ending}"

    new = graft("new", project, "--image", case.write(tmp_path), *case.options)
    assert new.code == 0, new.err
    suggested = graft("suggest", project, "--n", 2, "--tile", 32, "--json").document
    assert [len(row["start"]) for row in suggested] == [len(case.shape)] * 2
    assert [row["shape"][-2:] for row in suggested] == [[32, 32]] * 2
    predict = graft("predict", project, "--source", "tiny-nuclei", "--out", out)
    assert predict.code == 0, predict.err

    assert open_labels(out).shape == case.shape
    found = open_volume(out).axes.pixel_size_in("nm")
    assert found == (None if case.pixel_nm is None else pytest.approx(case.pixel_nm))


@pytest.mark.usefixtures("engine_here")
def test_a_stack_of_ome_zarr_goes_through_annotation_and_training(graft: Graft, tmp_path: Path) -> None:
    project = tmp_path / "p.graft"
    truth = zarr.create_array(tmp_path / "truth.zarr", data=STACK.segments, chunks=(1, 32, 32))
    assert truth.shape == STACK.image.shape
    assert graft("new", project, "--image", _ome_zarr("0.5")(tmp_path)).code == 0
    (tmp_path / "tiles.json").write_text(json.dumps([{"start": [1, 0, 0], "shape": [1, 64, 64]}]))

    tiles = ("--tiles", tmp_path / "tiles.json")
    assert graft("annotate", project, "--labels", tmp_path / "truth.zarr", *tiles).code == 0
    trained = graft("train", project, "--source", "tiny-nuclei", "--steps", 2, "--device", "cpu", "--json")
    assert trained.document["n_tiles"] == 1
    predict = graft("predict", project, "--run", trained.document["run"], "--out", tmp_path / "segments.tif")

    assert predict.code == 0, predict.err
    assert tifffile.imread(tmp_path / "segments.tif").shape == (3, 64, 64)
