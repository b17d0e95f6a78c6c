"""Pixel sizes in TIFF: ImageJ, OME-XML and resolution tags, as programs write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_graft.io import Volume, open_volume

STACK = np.random.default_rng(1).integers(0, 99, (5, 40, 50), np.uint8)
PLANE = STACK[0]
Size = tuple[float, ...] | None


def size_nm(volume: Volume) -> Size:
    """Return the pixel size in nm, rounded so that it can be compared."""
    size = volume.axes.pixel_size_in("nm")
    return None if size is None else tuple(float(f"{value:.6g}") for value in size)


def imagej(path: Path, resolution: object = (10, 10), **metadata: Any) -> Volume:
    tifffile.imwrite(
        path / "a.tif", STACK, imagej=True, resolution=resolution, metadata={"axes": "ZYX", **metadata}
    )
    return open_volume(path / "a.tif")


@pytest.mark.parametrize(
    ("unit", "nanometres"),
    [
        *((unit, 1000.0) for unit in ("um", "micron", "microns", "micrometer", "micrometers", "micrometre")),
        *((unit, 1000.0) for unit in ("Micrometres", "\\u00B5m", "\\u00b5m", "\\u03BCm", "\\xb5m", "MICRON")),
        *((unit, 1.0) for unit in ("nm", "nanometer", "nanometers", "nanometre", "nanometres")),
        *((unit, 0.1) for unit in ("\\u00C5", "\\u212B", "angstrom", "Angstroms")),
        *((unit, 1e6) for unit in ("mm", "millimeters")),
        ("cm", 1e7),
        ("pm", 1e-3),
        ("m", 1e9),
    ],
)
def test_every_spelling_of_a_unit_is_understood(tmp_path: Path, unit: str, nanometres: float) -> None:
    per_unit = nanometres / 4.0
    volume = imagej(tmp_path, (per_unit, per_unit), unit=unit, spacing=40 / nanometres)
    assert size_nm(volume) == pytest.approx((40.0, 4.0, 4.0), rel=1e-4)
    assert volume.size_note.origin == "the ImageJ metadata of the TIFF"
    assert volume.size_note.doubt == ""


@pytest.mark.parametrize("unit", ["inch", "parsec", "sec", "\\uD800m", "µ" * 200])
def test_a_unit_that_is_not_known_leaves_the_size_unknown_and_is_named(tmp_path: Path, unit: str) -> None:
    volume = imagej(tmp_path, unit=unit.encode("ascii", "backslashreplace").decode(), spacing=0.3)
    assert size_nm(volume) is None
    assert "is not known as a unit" in volume.size_note.doubt


@pytest.mark.parametrize("unit", ["pixel", "pixels", ""])
def test_an_image_that_nobody_calibrated_has_no_size_and_no_doubt(tmp_path: Path, unit: str) -> None:
    volume = imagej(tmp_path, (1, 1), unit=unit, spacing=1.0)
    assert size_nm(volume) is None
    assert volume.size_note.doubt == ""


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"unit": "micron", "spacing": 40.0, "zunit": "nm"}, (40, 100, 100)),
        ({"unit": "micron", "spacing": 0.3, "yunit": "nm"}, (300, 0.1, 100)),
        ({"unit": "nm", "spacing": 0.04, "zunit": "\\u00B5m"}, (40, 0.1, 0.1)),
        ({"unit": "micron", "spacing": 300.0, "yunit": "\\u00B5m", "zunit": "nm"}, (300, 100, 100)),
        ({"unit": "micron", "spacing": -0.3}, (300, 100, 100)),
        ({"unit": "micron"}, (1000, 100, 100)),
        ({"unit": "micron", "zunit": "nm"}, None),  # 1 nm between slices of 100 nm pixels
        ({"unit": "micron", "spacing": 0.0}, None),
        ({"unit": "micron", "spacing": "NaN"}, None),
        ({"unit": "micron", "spacing": "Infinity"}, None),
        ({"unit": "micron", "spacing": "thin"}, None),
        ({"unit": "micron", "spacing": 0.3, "zunit": "pixel"}, None),
        ({"unit": "pixel", "spacing": 0.3, "zunit": "micron"}, None),
    ],
)
def test_each_axis_has_its_unit_and_slices_their_distance(
    tmp_path: Path, metadata: dict[str, Any], expected: Size
) -> None:
    volume = imagej(tmp_path, **metadata)
    assert size_nm(volume) == expected
    assert bool(volume.size_note.origin) == (expected is not None)
    assert expected is not None or volume.size_note.doubt


def test_x_and_y_may_differ(tmp_path: Path) -> None:
    assert size_nm(imagej(tmp_path, (250, 200), unit="um", spacing=0.05)) == (50, 5, 4)


@pytest.mark.parametrize("resolution", [(0, 0), (0, 10), (1e-6, 1e-6), ((2**32 - 1, 1), (2**32 - 1, 1))])
def test_resolutions_of_zero_or_beyond_all_measure_are_not_believed(
    tmp_path: Path, resolution: object
) -> None:
    volume = imagej(tmp_path, resolution, unit="um", spacing=0.3)
    assert size_nm(volume) is None
    assert volume.size_note.doubt.startswith("the ImageJ metadata of the TIFF says")


def test_slices_an_implied_unit_apart_are_asked_about_where_that_is_odd(tmp_path: Path) -> None:
    volume = imagej(tmp_path, (250, 250), unit="um")  # 4 nm, and the 1 µm that ImageJ leaves out
    assert size_nm(volume) is None
    assert "250 times as far apart" in volume.size_note.doubt


def test_slices_a_written_distance_apart_are_believed_and_what_is_odd_is_told(tmp_path: Path) -> None:
    volume = imagej(tmp_path, (250, 250), unit="um", spacing=1.5)
    assert size_nm(volume) == (1500, 4, 4)
    assert "375 times as far apart" in volume.size_note.doubt


def test_a_plane_needs_no_distance_of_slices(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", PLANE, imagej=True, resolution=(250, 250), metadata={"unit": "um"})
    assert size_nm(open_volume(tmp_path / "a.tif")) == (4, 4)


def ome(
    path: Path, data: np.ndarray[Any, Any] = STACK, tags: dict[str, Any] | None = None, **sizes: Any
) -> Volume:
    metadata = {"axes": "ZYX"[-data.ndim :], **sizes}
    tifffile.imwrite(path / "a.ome.tif", data, metadata=metadata, **(tags or {}))
    return open_volume(path / "a.ome.tif")


def of_ome(unit: str | None = None, **sizes: float) -> dict[str, Any]:
    named = {f"PhysicalSize{axis}": size for axis, size in sizes.items()}
    return named | ({f"PhysicalSize{axis}Unit": unit for axis in sizes} if unit else {})


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (of_ome(X=0.004, Y=0.005, Z=0.05), (50, 5, 4)),
        (of_ome("nm", X=4, Y=5, Z=50), (50, 5, 4)),
        (of_ome("Å", X=40, Y=50, Z=500), (50, 5, 4)),
        (of_ome("mm", X=4e-6, Y=5e-6, Z=5e-5), (50, 5, 4)),
        (of_ome("nm", X=4, Y=5) | of_ome(Z=0.05), (50, 5, 4)),
        (of_ome("nm", X=4, Y=4), None),
        (of_ome("nm", X=4, Z=40), None),
        (of_ome("pixel", X=4, Y=4, Z=4), None),
        (of_ome("reference frame", X=4, Y=4, Z=4), None),
        (of_ome("nm", X=4, Y=4) | of_ome("pixel", Z=1), None),
        (of_ome("nm", X=0, Y=0, Z=0), None),
        (of_ome("nm", X=4, Y=4, Z=-40), None),
        (of_ome("nm", X=float("nan"), Y=4, Z=40), None),
        (of_ome("nm", X=float("inf"), Y=4, Z=40), None),
        ({}, None),
    ],
)
def test_ome_xml_states_each_axis_in_its_unit(
    tmp_path: Path, metadata: dict[str, Any], expected: Size
) -> None:
    volume = ome(tmp_path, **metadata)
    assert size_nm(volume) == expected
    assert volume.size_note.origin == ("" if expected is None else "the OME-XML of the TIFF")


def test_a_z_that_is_not_stated_is_asked_for_and_not_invented(tmp_path: Path) -> None:
    volume = ome(tmp_path, **of_ome("nm", X=4, Y=4))
    assert volume.size_note.doubt == "the OME-XML of the TIFF says y 4 nm, x 4 nm, and nothing of z"
    assert size_nm(ome(tmp_path, PLANE, **of_ome("nm", X=4, Y=4))) == (4, 4)


def test_an_ome_tiff_without_sizes_has_those_of_its_tags(tmp_path: Path) -> None:
    tags = {"resolution": (2.5e6, 2.5e6), "resolutionunit": "CENTIMETER"}
    volume = ome(tmp_path, PLANE, tags)
    assert size_nm(volume) == (4, 4)
    assert volume.size_note.origin == "the resolution of the TIFF"
    assert "nothing of z" in ome(tmp_path, STACK, tags).size_note.doubt


@pytest.mark.parametrize(
    "dots", [72, 75, 96, 100, 120, 150, 200, 240, 300, 360, 600, 720, 1200, 2400, 4800, 9600]
)
@pytest.mark.parametrize(("unit", "per_inch"), [("INCH", 1.0), ("CENTIMETER", 2.54)])
def test_a_resolution_for_printing_is_no_pixel_size(
    tmp_path: Path, dots: int, unit: str, per_inch: float
) -> None:
    resolution = (round(dots / per_inch, 2), round(dots / per_inch, 2))
    tifffile.imwrite(tmp_path / "a.tif", PLANE, resolution=resolution, resolutionunit=unit, metadata=None)
    volume = open_volume(tmp_path / "a.tif")
    assert size_nm(volume) is None
    assert "dots per inch, which is about printing" in volume.size_note.doubt


@pytest.mark.parametrize(
    ("resolution", "unit", "expected"),
    [
        ((2.5e6, 2.5e6), "CENTIMETER", (4, 4)),
        ((2.5e6, 2e6), "CENTIMETER", (5, 4)),
        ((30769, 30769), "CENTIMETER", (325.002, 325.002)),
        ((15385, 15385), "CENTIMETER", (649.984, 649.984)),
        ((2.54e6, 2.54e6), "INCH", (10, 10)),
        ((39077, 39077), "INCH", (649.999, 649.999)),
        ((2.5e6, 2.5e6), "NONE", None),
        ((1, 1), "CENTIMETER", None),
        ((1, 1), "INCH", None),
        ((4e9, 4e9), "CENTIMETER", None),
        ((2.5e6, 1e5), "CENTIMETER", None),
    ],
)
def test_a_resolution_that_no_printer_has_is_a_pixel_size(
    tmp_path: Path, resolution: tuple[float, float], unit: str, expected: Size
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", PLANE, resolution=resolution, resolutionunit=unit, metadata=None)
    assert size_nm(open_volume(tmp_path / "a.tif")) == expected


def test_a_size_that_the_user_gives_wins_and_says_so(tmp_path: Path) -> None:
    imagej(tmp_path, unit="um", spacing=0.3)
    volume = open_volume(tmp_path / "a.tif", pixel_size=(3, 2, 1), unit="microns")
    assert size_nm(volume) == (3000, 2000, 1000)
    assert volume.size_note.origin == "the user"
