"""A result has the axes of one pixel that its image has, so that other programs lay it on the image."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from ome_zarr_models.v05 import Image

from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io import open_label_sink, open_labels, open_volume
from napari_graft.io.writers.sink import SinkOptions

STACK = np.random.default_rng(0).integers(1, 255, (5, 24, 30)).astype(np.uint8)
FLAT = STACK[0]
SHAPES = [
    FLAT[None],
    FLAT[..., None],
    FLAT[None, None],
    FLAT[None, ..., None],
    STACK[None],
    STACK[:, None],
    STACK[..., None],
    STACK[None, None],
    STACK[:1],
]


def _store(path: Path, data: np.ndarray) -> Path:
    if path.suffix == ".tif":
        tifffile.imwrite(path, data, photometric="minisblack")
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["image"] = data
    else:
        zarr.create_array(path, data=data)
    return path


@pytest.mark.parametrize("data", SHAPES, ids=[str(data.shape) for data in SHAPES])
@pytest.mark.parametrize("kind", ["tif", "h5", "zarr"])
@pytest.mark.parametrize("ending", ["tif", "zarr"])
def test_a_result_has_the_shape_of_the_file_where_the_format_can(
    tmp_path: Path, data: np.ndarray, kind: str, ending: str
) -> None:
    volume = open_volume(_store(tmp_path / f"image.{kind}", data))
    size = (30.0, 20.0, 10.0)[-len(volume.shape) :]
    axes = Axes(volume.axes.names, size)
    out = tmp_path / f"out.{ending}"
    options = SinkOptions(single_axes=volume.single_axes)
    sink = open_label_sink(out, volume.shape, axes, np.uint8, options=options)
    assert sink.shape == volume.shape
    for tile in TileGrid(volume.shape, (2, 9, 11)[-len(volume.shape) :]):
        sink.write(tile, volume.read_raw(tile))
    sink.finish()

    pixels = volume.read_raw(Tile((0,) * len(volume.shape), volume.shape))
    if ending == "tif":
        np.testing.assert_array_equal(tifffile.imread(out), data)
    elif data.shape in ((*STACK.shape, 1), (5, 1, 24, 30)):
        assert zarr.open_array(out / "0").shape == STACK.shape  # OME-Zarr has channels before space
    else:
        np.testing.assert_array_equal(zarr.open_array(out / "0")[:], data)
        Image.from_zarr(zarr.open_group(out, mode="r"))
    labels = open_labels(out)
    np.testing.assert_array_equal(labels.read_raw(Tile((0,) * len(volume.shape), volume.shape)), pixels)
    assert open_volume(out).axes.pixel_size_in("nm") == pytest.approx(size)


def test_a_chosen_channel_leaves_the_other_axes_as_they_are(tmp_path: Path) -> None:
    channels = np.stack([STACK, 255 - STACK])[None]
    zarr.create_array(tmp_path / "a.zarr", data=channels, dimension_names=tuple("tczyx"))
    assert open_volume(tmp_path / "a.zarr", channel=1).single_axes == ((0, "t"),)
    zarr.create_array(tmp_path / "b.zarr", data=STACK.T[None], dimension_names=tuple("txyz"))
    assert open_volume(tmp_path / "b.zarr").single_axes == ()
