"""The axes that files state, and those that can be told from the shape alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels, open_volume

STACK = np.random.default_rng(0).integers(0, 255, (5, 24, 30)).astype(np.uint8)
FLAT = STACK[0]


def read(volume: Volume) -> np.ndarray[Any, Any]:
    return volume.read_raw(Tile((0,) * len(volume.shape), volume.shape))


def ilastik(path: Path, data: np.ndarray, axes: str) -> Path:
    tags = {"axes": [{"key": key, "typeFlags": 2, "resolution": 0, "description": ""} for key in axes]}
    with h5py.File(path, "w") as file:
        file.create_dataset("exported_data", data=data).attrs["axistags"] = json.dumps(tags)
    return path


@pytest.mark.parametrize(
    ("data", "axes", "expected"),
    [
        (STACK[..., None], "zyxc", STACK),
        (FLAT[..., None], "yxc", FLAT),
        (STACK.transpose(2, 1, 0), "xyz", STACK),
        (FLAT.T, "xy", FLAT),
        (STACK.transpose(0, 2, 1)[:1, :, :, None, None], "txyzc", FLAT),
        (STACK.transpose(1, 0, 2)[None], "tyzx", STACK),
    ],
)
def test_axis_tags_of_ilastik_say_what_is_what(
    tmp_path: Path, data: np.ndarray, axes: str, expected: np.ndarray
) -> None:
    path = ilastik(tmp_path / "a.h5", data, axes)
    np.testing.assert_array_equal(read(open_volume(path)), expected)
    np.testing.assert_array_equal(read(open_labels(path, mask="object")), expected)


def test_time_and_channels_of_ilastik_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"5 time points.*'zyx' \(--axes\) if they are slices"):
        open_volume(ilastik(tmp_path / "t.h5", STACK, "tyx"))
    with pytest.raises(InputError, match=r"5 time points: save one of them as a file$"):
        open_volume(ilastik(tmp_path / "tz.h5", STACK[:, None].repeat(2, 1), "tzyx"))
    with pytest.raises(InputError, match=r"2 channels.*from 0 to 1 with --channel$"):
        open_volume(ilastik(tmp_path / "c.h5", np.stack([STACK, STACK], -1), "zyxc"))
    with pytest.raises(InputError, match=r"2 channels.*without colours or channels"):
        open_labels(ilastik(tmp_path / "l.h5", np.stack([STACK, STACK], -1), "zyxc"))


@pytest.mark.parametrize("tags", ["{", "[]", '{"axes": 3}', '{"axes": [{"key": "q"}]}', 7])
def test_damaged_axis_tags_are_as_good_as_none(tmp_path: Path, tags: object) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", data=STACK).attrs["axistags"] = tags
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.h5")), STACK)


SINGLES = [
    (FLAT[None], FLAT),
    (FLAT[..., None], FLAT),
    (FLAT[:, None], FLAT),
    (FLAT[None, None], FLAT),
    (FLAT[None, None, None], FLAT),
    (FLAT[None, ..., None], FLAT),
    (STACK[None], STACK),
    (STACK[..., None], STACK),
    (STACK[:, None], STACK),
    (STACK[None, None], STACK),
    (STACK[:, :, None], STACK),
    (STACK[None, ..., None], STACK),
]


@pytest.mark.parametrize(("data", "expected"), SINGLES, ids=[str(data.shape) for data, _ in SINGLES])
@pytest.mark.parametrize("kind", ["tif", "h5", "zarr"])
def test_an_axis_of_one_is_dropped_wherever_it_is(
    tmp_path: Path, kind: str, data: np.ndarray, expected: np.ndarray
) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "tif":
        tifffile.imwrite(path, data, photometric="minisblack")
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            file["a"] = data
    else:
        zarr.create_array(path, data=data)
    np.testing.assert_array_equal(read(open_volume(path)), expected)
    np.testing.assert_array_equal(read(open_labels(path, mask="object")), expected)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("depth", "height", "width"), (0, 1, 2)),
        (("width", "height", "depth"), (2, 1, 0)),
        (("dim_0", "y", "x"), (0, 1, 2)),
        (("Z", "Y", "X"), (0, 1, 2)),
    ],
)
def test_axes_of_zarr_may_have_long_names(
    tmp_path: Path, names: tuple[str, ...], shown: tuple[int, ...]
) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=STACK, dimension_names=names)
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.zarr")), STACK.transpose(shown))


def test_an_axis_of_zarr_that_is_none_of_ours_is_named(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=STACK, dimension_names=("angle", "y", "x"))
    with pytest.raises(InputError, match=r"axis 'angle' of length 5.*--axes zyx"):
        open_volume(tmp_path / "a.zarr")
    assert open_volume(tmp_path / "a.zarr", axes="zyx").shape == STACK.shape
    zarr.create_array(tmp_path / "b.zarr", data=STACK, dimension_names=("time", "y", "x"))
    with pytest.raises(InputError, match="5 time points"):
        open_volume(tmp_path / "b.zarr")


@pytest.mark.parametrize("axes", ["TYX", "CYX"])
def test_frames_and_channels_of_imagej_are_no_slices(tmp_path: Path, axes: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, metadata={"axes": axes})
    with pytest.raises(InputError, match=r"5 (time points|channels).*--axes.*slices|5 time points.*--axes"):
        open_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.tif", axes="zyx")), STACK)


def test_a_channel_of_a_hyperstack_is_a_stack(tmp_path: Path) -> None:
    both = np.stack([STACK, 255 - STACK], axis=1)
    tifffile.imwrite(tmp_path / "a.tif", both, imagej=True, metadata={"axes": "ZCYX"})
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.tif", channel=1)), 255 - STACK)
    tifffile.imwrite(tmp_path / "b.ome.tif", np.moveaxis(both, 1, 0), metadata={"axes": "CZYX"})
    np.testing.assert_array_equal(read(open_volume(tmp_path / "b.ome.tif", channel=1)), 255 - STACK)


def test_a_name_with_colons_is_the_name_of_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "a::b"
    folder.mkdir()
    tifffile.imwrite(folder / "x::1.tif", STACK, photometric="minisblack")
    np.testing.assert_array_equal(read(open_volume(folder / "x::1.tif")), STACK)
    with h5py.File(folder / "a.h5", "w") as file:
        file["raw"], file["other"] = STACK, FLAT
    np.testing.assert_array_equal(read(open_volume(f"{folder}/a.h5::/raw")), STACK)
    with pytest.raises(InputError, match=r"a::b/gone\.h5 does not exist"):
        open_volume(f"{folder}/gone.h5::/raw")


def test_pipes_and_devices_are_no_images(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tif")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        open_volume(tmp_path / "a.tif")
    (tmp_path / "b.png").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        open_volume(tmp_path / "b.png")


def test_pipes_in_place_of_chunks_are_not_waited_for(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=STACK, chunks=(1, 24, 30))
    chunk = tmp_path / "a.zarr" / "c" / "2" / "0" / "0"
    chunk.unlink()
    os.mkfifo(chunk)
    with pytest.raises(InputError, match="pipe or a device"):
        read(open_volume(tmp_path / "a.zarr"))
    (tmp_path / "a.zarr" / "zarr.json").unlink()
    os.mkfifo(tmp_path / "a.zarr" / "zarr.json")
    with pytest.raises(InputError, match="pipe or a device"):
        open_volume(tmp_path / "a.zarr")
