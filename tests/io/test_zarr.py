"""OME-Zarr of both versions and plain zarr arrays, written by zarr itself."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.storage import LocalStore

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_volume

IMAGE = np.random.default_rng(0).integers(0, 999, (6, 20, 30)).astype(np.uint16)
WHOLE = Tile((0, 0, 0), IMAGE.shape)
Attributes = dict[str, Any]


def make_multiscales(letters: str, scales: list[list[float]], whole: list[float] | None = None) -> Attributes:
    types = {"t": "time", "c": "channel"}
    units = {"z": "micrometer", "y": "nanometer", "x": "nanometer"}
    axes = [
        {"name": letter, "type": types.get(letter, "space")}
        | ({"unit": units[letter]} if letter in units else {})
        for letter in letters
    ]
    datasets = [
        {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        for level, scale in enumerate(scales)
    ]
    whole_scale = {} if whole is None else {"coordinateTransformations": [{"type": "scale", "scale": whole}]}
    return {"name": "image", "axes": axes, "datasets": datasets, **whole_scale}


def make_ome_zarr(path: Path, version: str, array: np.ndarray, multiscales: Attributes) -> Path:
    if version == "0.5":
        attributes: Attributes = {"ome": {"version": "0.5", "multiscales": [multiscales]}}
    else:
        attributes = {"multiscales": [{"version": "0.4", **multiscales}]}
    group = zarr.create_group(path, zarr_format=3 if version == "0.5" else 2, attributes=attributes)
    group.create_array("0", data=array, chunks=(*(1,) * (array.ndim - 2), 16, 16))
    group.create_array("1", data=array[..., ::2, ::2])
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_the_full_resolution_is_read_with_the_product_of_the_scales(tmp_path: Path, version: str) -> None:
    scales = [[1.0, 1.0, 0.025, 2.0, 2.0], [1.0, 1.0, 0.025, 4.0, 4.0]]
    multiscales = make_multiscales("tczyx", scales, whole=[1.0, 1.0, 2.0, 2.0, 2.5])
    path = make_ome_zarr(tmp_path / "image.zarr", version, IMAGE[None, None], multiscales)
    volume = open_volume(path)
    assert volume.axes.names == ("z", "y", "x")
    assert volume.axes.unit == "nm"
    assert volume.axes.pixel_size == pytest.approx((50, 4, 5))
    np.testing.assert_array_equal(volume.read_raw(WHOLE), IMAGE)
    np.testing.assert_array_equal(volume.read(Tile((2, 5, 6), (2, 9, 9))), IMAGE[2:4, 5:14, 6:15])


def test_a_colour_axis_before_the_space_axes_is_read_in_grey(tmp_path: Path) -> None:
    multiscales = make_multiscales("cyx", [[1.0, 4.0, 4.0]])
    volume = open_volume(make_ome_zarr(tmp_path / "a", "0.5", np.stack([IMAGE[0]] * 3), multiscales))
    np.testing.assert_allclose(volume.read(Tile((0, 0), (20, 30))), IMAGE[0], rtol=1e-5)
    assert volume.axes.pixel_size == (4, 4)


def test_a_scale_without_a_unit_is_no_pixel_size(tmp_path: Path) -> None:
    multiscales = make_multiscales("zyx", [[50.0, 4.0, 4.0]])
    for axis in multiscales["axes"]:
        del axis["unit"]
    assert open_volume(make_ome_zarr(tmp_path / "a", "0.4", IMAGE, multiscales)).axes.pixel_size is None


def test_old_metadata_without_axes_mean_tczyx(tmp_path: Path) -> None:
    multiscales = {"datasets": [{"path": "0"}]}
    volume = open_volume(make_ome_zarr(tmp_path / "a", "0.4", IMAGE[None, None], multiscales))
    np.testing.assert_array_equal(volume.read_raw(WHOLE), IMAGE)


def test_the_only_image_of_a_group_is_found(tmp_path: Path) -> None:
    zarr.create_group(
        tmp_path / "root.zarr", attributes={"ome": {"version": "0.5", "bioformats2raw.layout": 3}}
    )
    zarr.create_group(tmp_path / "root.zarr" / "OME")
    make_ome_zarr(tmp_path / "root.zarr" / "0", "0.5", IMAGE, make_multiscales("zyx", [[0.05, 4.0, 4.0]]))
    volume = open_volume(tmp_path / "root.zarr")
    assert volume.axes.pixel_size == pytest.approx((50, 4, 4))
    np.testing.assert_array_equal(volume.read_raw(WHOLE), IMAGE)


def test_a_group_of_several_images_lists_them(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "a.zarr")
    for name in ("raw", "labels"):
        group.create_array(name, data=IMAGE)
    with pytest.raises(InputError, match=r"choose one of .*a\.zarr/labels, .*a\.zarr/raw"):
        open_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(open_volume(tmp_path / "a.zarr" / "raw").read_raw(WHOLE), IMAGE)


def test_a_group_without_images_is_refused(tmp_path: Path) -> None:
    zarr.create_group(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="without an array"):
        open_volume(tmp_path / "a.zarr")
    make_ome_zarr(tmp_path / "b.zarr", "0.5", IMAGE, make_multiscales("zyx", [[1, 1, 1]]) | {"datasets": []})
    with pytest.raises(InputError, match=r"wrong OME-Zarr metadata at multiscales\.0\.datasets"):
        open_volume(tmp_path / "b.zarr")
    lost = {"datasets": [{"path": "s0"}]}
    make_ome_zarr(tmp_path / "c.zarr", "0.5", IMAGE, lost)
    with pytest.raises(InputError, match="lacks its array 's0'"):
        open_volume(tmp_path / "c.zarr")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_plain_array_is_read_with_the_names_and_sizes_it_states(tmp_path: Path, zarr_format: int) -> None:
    names = ("t", "z", "y", "x")
    attributes: Attributes = {"resolution": [40, 4, 4]}
    options: Attributes = {"dimension_names": names} if zarr_format == 3 else {}
    if zarr_format == 2:
        attributes["_ARRAY_DIMENSIONS"] = list(names)
    array = zarr.create_array(
        tmp_path / "a.zarr", data=IMAGE[None], zarr_format=zarr_format, attributes=attributes, **options
    )
    assert array.shape == (1, *IMAGE.shape)
    volume = open_volume(tmp_path / "a.zarr")
    assert (volume.axes.pixel_size, volume.axes.unit) == ((40, 4, 4), "nm")
    np.testing.assert_array_equal(volume.read_raw(WHOLE), IMAGE)


def test_voxel_sizes_may_state_their_units(tmp_path: Path) -> None:
    attributes = {"voxel_size": [0.04, 4, 4], "units": ["um", "nm", "nm"]}
    zarr.create_array(tmp_path / "a.zarr", data=IMAGE, attributes=attributes)
    assert open_volume(tmp_path / "a.zarr").axes.pixel_size == pytest.approx((40, 4, 4))


def test_a_folder_that_is_no_zarr_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.txt").write_text("no image")
    with pytest.raises(InputError, match="images cannot be read as zarr"):
        open_volume(tmp_path / "images")


def test_damaged_metadata_are_refused(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=IMAGE)
    for broken in ("{", json.dumps({"zarr_format": 3, "node_type": "array"})):
        (tmp_path / "a.zarr" / "zarr.json").write_text(broken)
        with pytest.raises(InputError, match="cannot be read as zarr"):
            open_volume(tmp_path / "a.zarr")


def test_a_damaged_chunk_is_named_when_it_is_read(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=IMAGE, chunks=(3, 20, 30))
    (tmp_path / "a.zarr" / "c" / "1" / "0" / "0").write_bytes(b"nonsense")
    volume = open_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume.read_raw(Tile((0, 0, 0), (3, 20, 30))), IMAGE[:3])
    with pytest.raises(InputError, match=r"cannot read pixels \(3, 0, 0\) to \(4, 1, 1\)"):
        volume.read(Tile((3, 0, 0), (1, 1, 1)))


def test_a_tile_of_a_huge_array_reads_only_its_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = (100_000, 100_000, 100_000)
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=huge, chunks=(64, 64, 64), dtype="uint8", fill_value=7
    )
    array[:64, :64, :64] = 9
    fetched: list[str] = []
    get = LocalStore.get

    async def count(store: LocalStore, key: str, *args: Any, **kwargs: Any) -> Any:
        fetched.append(key)
        return await get(store, key, *args, **kwargs)

    volume = open_volume(tmp_path / "a.zarr")
    monkeypatch.setattr(LocalStore, "get", count)
    tracemalloc.start()
    pixels = volume.read(Tile((0, 32, 32), (64, 64, 64)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sorted(fetched) == ["c/0/0/0", "c/0/0/1", "c/0/1/0", "c/0/1/1"]
    assert peak < 10e6
    assert (pixels[:, :32, :32] == 9).all()
    assert (pixels[:, 32:, 32:] == 7).all()
