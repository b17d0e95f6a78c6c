"""Pixel sizes in the XML of Fibics, Zeiss Orion and Thermo Fisher."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.io import Volume, open_volume

FIBICS = (
    "<Fibics><Image><Width>64</Width><Height>48</Height></Image>"
    "<Scan><FOV_X units='um'>0.64</FOV_X><FOV_Y units='um'>0.48</FOV_Y></Scan></Fibics>"
)
ORION = (
    "<ImageTags><ScalingX><Value>4e-9</Value></ScalingX><ScalingY><Value>4e-9</Value></ScalingY></ImageTags>"
)
THERMO = (
    "<Metadata xmlns='http://example.org'><BinaryResult><PixelSize><X unit='m'>3.5e-9</X>"
    "<Y unit='m'>3.5e-9</Y></PixelSize></BinaryResult></Metadata>"
)


def open_tagged(path: Path, code: int, text: str | bytes) -> Volume:
    image = np.random.default_rng(0).integers(0, 255, (48, 64)).astype(np.uint8)
    kind = 7 if isinstance(text, bytes) else "s"
    tifffile.imwrite(path, image, extratags=[(code, kind, len(text), text, True)], metadata=None)
    return open_volume(path)


@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="iso-8859-1"?>\n'])
@pytest.mark.parametrize(
    ("code", "text", "size_nm", "origin"),
    [(51023, FIBICS, 10.0, "Fibics"), (65000, ORION, 4.0, "Orion"), (34683, THERMO, 3.5, "Thermo Fisher")],
)
def test_the_pixel_size_in_the_xml_of_a_microscope_is_read(
    tmp_path: Path, code: int, text: str, size_nm: float, origin: str, declaration: str
) -> None:
    for content in (declaration + text, (declaration + text).encode()):
        volume = open_tagged(tmp_path / "a.tif", code, content)
        assert volume.axes.pixel_size_in("nm") == pytest.approx((size_nm, size_nm))
        assert origin in volume.size_note.origin


@pytest.mark.parametrize("text", ["<Fibics><Scan>", "no xml", "<Fibics/>", FIBICS.replace("0.64", "wide")])
def test_damaged_xml_of_a_microscope_costs_the_pixel_size_alone(tmp_path: Path, text: str) -> None:
    assert open_tagged(tmp_path / "a.tif", 51023, text).axes.pixel_size is None


def test_a_field_of_view_that_no_microscope_has_is_asked_about(tmp_path: Path) -> None:
    text = FIBICS.replace("0.64", "640000").replace("0.48", "480000")
    volume = open_tagged(tmp_path / "a.tif", 51023, text)
    assert volume.axes.pixel_size is None
    assert "Fibics" in volume.size_note.doubt
    assert "too coarse" in volume.size_note.doubt
