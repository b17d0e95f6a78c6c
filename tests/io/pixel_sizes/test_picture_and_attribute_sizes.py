"""Pixel sizes of PNG, and in the attributes of HDF5 and zarr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_graft.io import open_volume
from napari_graft.io.ngff import read_multiscales
from napari_graft.io.pixel_sizes import judge_sizes
from napari_graft.io.pixel_sizes.attributes import attribute_sizes

PLANE = np.random.default_rng(1).integers(0, 99, (40, 50), np.uint8)
STACK = np.stack([PLANE] * 5)
NAMES = ("z", "y", "x")


@pytest.mark.parametrize(
    ("per_metre", "expected"),
    [
        ((250_000_000, 200_000_000), (5, 4)),
        ((1_538_462, 1_538_462), (650, 650)),
        ((2835, 2835), None),  # 72 dots an inch
        ((3780, 3780), None),  # 96
        ((11811, 11811), None),  # 300
        ((1, 1), None),
        ((4_000_000_000, 4_000_000_000), (0.25, 0.25)),
        ((250_000_000, 2_000_000), None),
    ],
)
def test_the_physical_size_of_a_png_counts_unless_it_is_about_printing(
    tmp_path: Path, per_metre: tuple[int, int], expected: tuple[float, float] | None
) -> None:
    Image.fromarray(PLANE).save(tmp_path / "a.png", dpi=tuple(count * 0.0254 for count in per_metre))
    volume = open_volume(tmp_path / "a.png")
    found = volume.axes.pixel_size_in("nm")
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-5))
    assert bool(volume.size_note.doubt) == (expected is None)


@pytest.mark.parametrize(
    ("attributes", "expected", "word"),
    [
        ({"element_size_um": [0.04, 0.004, 0.004]}, (40, 4, 4), "'element_size_um' (in um, as usual)"),
        ({"element_size_um": [0.04, 0.004, 0.004], "unit": "um"}, (40, 4, 4), "'element_size_um'"),
        ({"voxel_size": [40, 4, 4]}, (40, 4, 4), "'voxel_size' (in nm, as usual)"),
        ({"voxel_size": [40, 4, 4], "units": ["nm", "nm", "nm"]}, (40, 4, 4), "'voxel_size'"),
        ({"resolution": [40, 4, 4], "unit": "nanometers"}, (40, 4, 4), "'resolution'"),
        (
            {"pixelResolution": {"unit": "um", "dimensions": [0.004, 0.005, 0.04]}},
            (40, 5, 4),
            "'pixelResolution'",
        ),
        ({"voxel_size": [0, 0, 0], "resolution": [40, 4, 4]}, (40, 4, 4), "'resolution'"),
        ({"resolution": [4e6, 4e6, 4e6]}, None, "too coarse"),
        ({"resolution": [40, 4]}, None, "nothing of z"),
        ({"resolution": [-40, 4, 4]}, None, "which no pixel is"),
        ({"resolution": [40, 4, 4], "units": "furlong"}, None, "not known as a unit"),
        ({"resolution": ["a", "b", "c"]}, None, ""),
        ({"resolution": [[1, 2], [3]]}, None, ""),
        ({"resolution": "fine"}, None, ""),
        ({"pixelResolution": "fine"}, None, ""),
        ({"pixelResolution": {"unit": "px", "dimensions": [1, 1, 1]}}, None, ""),
        ({}, None, ""),
    ],
)
def test_attributes_state_the_length_along_each_axis(
    attributes: dict[str, Any], expected: tuple[float, ...] | None, word: str
) -> None:
    axes, note = judge_sizes(NAMES, attribute_sizes(attributes))
    assert axes.pixel_size_in("nm") == (None if expected is None else pytest.approx(expected))
    assert word in (note.doubt if expected is None else note.origin)


def test_hdf5_and_zarr_tell_where_their_size_is_from(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("image", data=STACK).attrs["element_size_um"] = (0.04, 0.004, 0.004)
    zarr.create_array(tmp_path / "a.zarr", data=STACK, attributes={"resolution": [40, 4, 4], "unit": "nm"})
    assert "'element_size_um'" in open_volume(tmp_path / "a.h5").size_note.origin
    assert open_volume(tmp_path / "a.zarr").size_note.origin == "the attribute 'resolution'"


def ngff(
    units: list[str | None], own: list[float] | None, whole: list[float] | None = None
) -> dict[str, Any]:
    axes = [
        {"name": n, "type": "space"} | ({"unit": u} if u else {}) for n, u in zip("zyx", units, strict=True)
    ]
    steps = [[] if scale is None else [{"type": "scale", "scale": scale}] for scale in (own, whole)]
    dataset = {"path": "0", "coordinateTransformations": steps[0]}
    return {"multiscales": [{"axes": axes, "datasets": [dataset], "coordinateTransformations": steps[1]}]}


NM, UM = "nanometer", "micrometer"


@pytest.mark.parametrize(
    ("attributes", "expected", "word"),
    [
        (ngff([NM] * 3, [40, 4, 4]), (40, 4, 4), "OME-Zarr"),
        (ngff([UM] * 3, [0.04, 0.004, 0.004]), (40, 4, 4), "OME-Zarr"),
        (ngff([NM, UM, UM], [40, 0.004, 0.004]), (40, 4, 4), "OME-Zarr"),
        (ngff([NM] * 3, [20, 2, 2], [2, 2, 2]), (40, 4, 4), "OME-Zarr"),
        (ngff([NM] * 3, None, [40, 4, 4]), (40, 4, 4), "OME-Zarr"),
        (ngff([NM] * 3, [40, 4, -4]), (40, 4, 4), "OME-Zarr"),
        (ngff(["angstrom"] * 3, [400, 40, 40]), (40, 4, 4), "OME-Zarr"),
        (ngff([None] * 3, [40, 4, 4]), None, "without a unit"),
        (ngff([None] * 3, [1, 1, 1]), None, ""),
        (ngff([None, NM, NM], [40, 4, 4]), None, "without a unit"),
        (ngff([NM] * 3, [4, 4]), None, ""),
        (ngff([NM] * 3, None), None, ""),
        (ngff([NM] * 3, [0, 4, 4]), None, "which no pixel is"),
        (ngff([NM] * 3, [4e6, 4e6, 4e6]), None, "too coarse"),
    ],
)
def test_an_ome_zarr_has_the_product_of_its_scales_in_the_unit_of_each_axis(
    attributes: dict[str, Any], expected: tuple[float, ...] | None, word: str
) -> None:
    found = read_multiscales(attributes, "a.zarr")
    assert found is not None
    axes, note = judge_sizes(NAMES, (found.stated_size,))
    assert axes.pixel_size_in("nm") == (None if expected is None else pytest.approx(expected))
    assert word in (note.doubt if expected is None else note.origin)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(("element_size_um", "voxel_size", "resolution", "pixelResolution", "units", "unit")),
        json_like,
    )
)
def test_any_attribute_gives_a_size_or_none(attributes: dict[str, Any]) -> None:
    axes, _ = judge_sizes(NAMES, attribute_sizes(attributes))
    assert axes.pixel_size is None or len(axes.pixel_size) == 3


def _axistags(**fields: object) -> str:
    return json.dumps({"axes": [{"key": key, "typeFlags": 2} | fields for key in "zyx"]})


@pytest.mark.parametrize(
    ("attributes", "size_nm"),
    [
        ({"axistags": _axistags(resolution=4.0, description="nm")}, 4.0),
        ({"axistags": _axistags(resolution=0.1, description="um")}, 100.0),
        ({"axistags": _axistags(resolution=40.0), "axis_units": json.dumps(dict.fromkeys("zyx", "Å"))}, 4.0),
    ],
)
def test_the_resolution_in_the_axistags_of_ilastik_is_read(
    tmp_path: Path, attributes: dict[str, object], size_nm: float
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        image = file.create_dataset("image", data=np.arange(120, dtype=np.uint8).reshape(4, 5, 6))
        image.attrs.update(attributes)
    volume = open_volume(tmp_path / "a.h5")
    assert volume.axes.pixel_size_in("nm") == pytest.approx((size_nm,) * 3)
    assert "axistags" in volume.size_note.origin


@pytest.mark.parametrize(
    ("fields", "doubt"),
    [({"resolution": 0}, ""), ({"resolution": 0.3}, "without a unit"), ({"resolution": "thin"}, "")],
)
def test_a_resolution_in_axistags_without_a_unit_is_asked_about(
    tmp_path: Path, fields: dict[str, object], doubt: str
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        image = file.create_dataset("image", data=np.arange(120, dtype=np.uint8).reshape(4, 5, 6))
        image.attrs["axistags"] = _axistags(**fields)
    volume = open_volume(tmp_path / "a.h5")
    assert volume.axes.pixel_size is None
    assert doubt in volume.size_note.doubt
