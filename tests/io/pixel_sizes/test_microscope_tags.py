"""Pixel sizes in the tags of makers, whose bytes are built here as the makers write them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_graft.core.errors import InputError
from napari_graft.io import Volume, open_volume

PLANE = np.random.default_rng(1).integers(0, 99, (40, 50), np.uint8)
ASCII, SHORT, LONG, RATIONAL, UNDEFINED, FLOAT, DOUBLE = 2, 3, 4, 5, 7, 11, 12
Tag = tuple[int, int, int, Any, bool]


def text(code: int, value: str) -> Tag:
    content = value.encode("latin-1") + b"\0"
    return (code, ASCII, len(content), content, True)


def raw(code: int, content: bytes, kind: int = UNDEFINED) -> Tag:
    return (code, kind, len(content), content, True)


def tif(path: Path, tags: list[Tag], **options: Any) -> Volume:
    tifffile.imwrite(path / "a.tif", PLANE, extratags=tags, metadata=None, **options)
    return open_volume(path / "a.tif")


def fei(width: str = "4e-09", height: str = "4e-09", part: str = "Scan") -> str:
    return (
        f"[User]\r\nUser=somebody\r\n[{part}]\r\nPixelWidth={width}\r\nPixelHeight={height}\r\n"
        "HorFieldsize=2.4576e-05\r\n[Vacuum]\r\nChPressure=\r\n"
    )


def zeiss(name: str = "AP_IMAGE_PIXEL_SIZE", value: str = "Image Pixel Size = 4.000 nm") -> str:
    return f"1\r\n0\r\n0\r\n4e-09\r\n0\r\n{name}\r\n{value}\r\nDP_ZOOM\r\nZoom = Off\r\n"


def lsm(x: float, y: float, z: float) -> bytes:
    header = np.zeros(1, np.dtype(tifffile.TIFF.CZ_LSMINFO))
    header["MagicNumber"], header["StructureSize"] = 67127628, header.nbytes
    header["DimensionX"], header["DimensionY"], header["DimensionZ"] = 50, 40, 4
    header["DimensionChannels"] = header["DimensionTime"] = header["DimensionP"] = header["DimensionM"] = 1
    header["VoxelSizeX"], header["VoxelSizeY"], header["VoxelSizeZ"] = x, y, z
    return header.tobytes()


def tvips(x: float, y: float) -> bytes:
    first = np.zeros(1, np.dtype(tifffile.TIFF.TVIPS_HEADER_V1))
    second = np.zeros(1, np.dtype(tifffile.TIFF.TVIPS_HEADER_V2))
    first["Version"], second["Magic"] = 2, 0xAAAAAAAA
    second["PixelSizeX"], second["PixelSizeY"] = x, y
    return first.tobytes() + second.tobytes()


def nih(scale: float, unit: bytes) -> bytes:
    header = np.zeros(1, np.dtype(tifffile.TIFF.NIH_IMAGE_HEADER))
    header["FileID"], header["XScale"], header["XUnit"], header["XUnitSize"] = (
        b"IPICIMAG",
        scale,
        unit,
        len(unit),
    )
    header["PixelAspectRatio"] = 1
    return header.tobytes()


def fluoview(x: float, y: float, unit: bytes) -> bytes:
    header = np.zeros(1, np.dtype(tifffile.TIFF.MM_HEADER))
    dimensions = header["Dimensions"][0]
    for i, (name, n, length) in enumerate(((b"X", 50, x), (b"Y", 40, y))):
        dimensions[i] = (name, n, 0.0, length, unit)
    return header.tobytes()


def gatan(size: float, unit: str) -> list[Tag]:
    units = [text(65003 + i, unit) for i in range(2)]
    return units + [(65009 + i, DOUBLE, 1, size, True) for i in range(2)]


METASERIES = (
    '<MetaData><PlaneInfo><prop id="spatial-calibration-state" type="bool" value="on"/>'
    '<prop id="spatial-calibration-x" type="float" value="0.004"/>'
    '<prop id="spatial-calibration-y" type="float" value="0.004"/>'
    '<prop id="spatial-calibration-units" type="string" value="um"/></PlaneInfo></MetaData>'
)
MICRO_MANAGER = json.dumps({"PixelSizeUm": 0.004, "Width": 50}).encode()
TESCAN = b"\x01\x02\x00[MAIN]\r\nPixelSizeX=4e-009\r\nPixelSizeY=4e-009\r\n"
CASES: dict[str, tuple[list[Tag], dict[str, Any], str]] = {
    "FEI SFEG": ([text(34680, fei())], {}, "FEI"),
    "FEI Helios": ([text(34682, fei())], {}, "FEI"),
    "FEI, of another part": ([text(34682, fei(part="EScan"))], {}, "FEI"),
    "Zeiss SEM": ([text(34118, zeiss())], {}, "Zeiss SEM"),
    "Zeiss SEM in µm": ([text(34118, zeiss(value="Image Pixel Size = 0.004 µm"))], {}, "Zeiss SEM"),
    "Zeiss SEM, scan": ([text(34118, zeiss("AP_PIXEL_SIZE", "Pixel Size = 4000 pm"))], {}, "Zeiss SEM"),
    "Zeiss SEM, unnamed": ([text(34118, zeiss("AP_WD", "WD = 5 mm"))], {}, "Zeiss SEM"),
    "MetaSeries": ([], {"software": "MetaSeries", "description": METASERIES}, "MetaSeries"),
    "TVIPS": ([raw(37706, tvips(4, 4))], {}, "TVIPS"),
    "Micro-Manager": ([raw(51123, MICRO_MANAGER, ASCII)], {}, "Micro-Manager"),
    "NIH Image": ([raw(43314, nih(250, b"um"))], {}, "NIH Image"),
    "FluoView": (
        [raw(34361, fluoview(0.004, 0.004, b"um")), (34362, DOUBLE, 8, [0.0] * 8, True)],
        {},
        "FluoView",
    ),
    "Aperio": ([], {"description": "Aperio Image Library v1\n50x40|AppMag = 20|MPP = 0.004"}, "Aperio"),
    "Tescan": ([raw(50431, TESCAN)], {}, "Tescan"),
    "Gatan": (gatan(4.0, "nm"), {}, "Gatan"),
    "Gatan in µm": (gatan(0.004, "µm"), {}, "Gatan"),
}


@pytest.mark.parametrize(("tags", "options", "maker"), CASES.values(), ids=CASES.keys())
def test_the_pixel_size_of_a_maker_is_read_and_named(
    tmp_path: Path, tags: list[Tag], options: dict[str, Any], maker: str
) -> None:
    volume = tif(tmp_path, tags, **options)
    assert volume.axes.pixel_size_in("nm") == pytest.approx((4, 4))
    assert maker in volume.size_note.origin
    assert volume.size_note.doubt == ""


def test_the_pixel_size_of_a_zeiss_lsm_is_read_beside_its_thumbnails(tmp_path: Path) -> None:
    thumbnail = np.zeros((3, 8, 8), np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for _ in range(4):
            writer.write(PLANE, extratags=[raw(34412, lsm(4e-9, 5e-9, 4e-8))], metadata=None)
            writer.write(thumbnail, photometric="rgb", planarconfig="separate", subfiletype=1, metadata=None)
    volume = open_volume(tmp_path / "a.tif")
    assert volume.axes.pixel_size_in("nm") == pytest.approx((40, 5, 4))
    assert volume.size_note.origin == "the Zeiss LSM metadata of the TIFF"


def make_metamorph_stack(path: Path, x: float, y: float, z: float, unit: bytes) -> None:
    """Write an STK: tags UIC1 and UIC2 point to rationals and texts elsewhere in the file."""
    n_planes, million = 4, 10**6
    planes = np.random.default_rng(1).integers(0, 99, (n_planes, 40, 50), np.uint8)
    first = [(LONG, [0] * 2 * 4), (LONG, [0] * 6 * n_planes)]
    tags: list[Tag] = [
        (code, kind, len(v), v, True) for code, (kind, v) in zip((33628, 33629), first, strict=True)
    ]
    tifffile.imwrite(path, planes[0], extratags=tags, metadata=None)
    with tifffile.TiffFile(path) as file:
        uic1, uic2 = (file.pages.first.tags[code] for code in (33628, 33629))
    content = bytearray(path.read_bytes())
    content += planes[1:].tobytes()
    for name_id, value in ((3, 1), (4, x), (5, y)):
        at = uic1.valueoffset + 8 * (name_id - 3)
        struct.pack_into("<II", content, at, name_id, 1 if name_id == 3 else len(content))
        if name_id != 3:
            content += struct.pack("<II", round(value * million), million)
    struct.pack_into("<II", content, uic1.valueoffset + 24, 6, len(content))
    content += struct.pack("<I", len(unit)) + unit
    for plane in range(n_planes):
        struct.pack_into(
            "<6I", content, uic2.valueoffset + 24 * plane, round(z * million), million, 0, 0, 0, 0
        )
    struct.pack_into("<I", content, uic1.offset + 4, 4)
    struct.pack_into("<HI", content, uic2.offset + 2, RATIONAL, n_planes)
    path.write_bytes(content)


def test_the_pixel_size_of_a_metamorph_stack_is_read(tmp_path: Path) -> None:
    make_metamorph_stack(tmp_path / "a.tif", 0.004, 0.005, 0.04, b"um\0")
    volume = open_volume(tmp_path / "a.tif", axes="zyx")
    assert volume.axes.pixel_size_in("nm") == pytest.approx((40, 5, 4))
    assert volume.size_note.origin == "the MetaMorph metadata of the TIFF"


def test_the_pixel_size_of_an_olympus_sis_is_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", PLANE, extratags=[raw(33560, bytes(68))], metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        at = file.pages.first.tags[33560].valueoffset
    content = bytearray((tmp_path / "a.tif").read_bytes())
    struct.pack_into("<4s6xhhhhh6x32sHhhI", content, at, b"SIS0", 0, 0, 1, 0, 99, b"", 1, 1, 1, len(content))
    content += struct.pack("<10xhdd8xd2x34s32s", -9, 4.0, 5.0, 1.0, b"", b"")
    (tmp_path / "a.tif").write_bytes(content)
    volume = open_volume(tmp_path / "a.tif")
    assert volume.axes.pixel_size_in("nm") == pytest.approx((5, 4))
    assert volume.size_note.origin == "the Olympus SIS metadata of the TIFF"


@pytest.mark.parametrize(
    "tags",
    [
        [text(34682, fei("0", "0"))],
        [text(34682, fei("4e-13", "4e-13"))],
        [text(34682, fei("4", "4"))],
        [text(34682, fei("-4e-9", "-4e-9"))],
        [text(34682, fei("nan", "nan"))],
        [text(34118, zeiss(value="Image Pixel Size = 4.000 parsec"))],
        [text(34118, zeiss(value="Image Pixel Size = 0 nm"))],
        [raw(37706, tvips(float("inf"), 4))],
        [raw(43314, nih(0, b"um"))],
        [raw(43314, nih(1, b"inch"))],
        gatan(4, "1/nm"),
        gatan(float("nan"), "nm"),
    ],
)
def test_what_cannot_be_a_pixel_size_is_left_unknown(tmp_path: Path, tags: list[Tag]) -> None:
    assert tif(tmp_path, tags).axes.pixel_size is None


def test_the_tags_of_a_maker_win_over_the_resolution_of_a_print(tmp_path: Path) -> None:
    volume = tif(tmp_path, [text(34682, fei())], resolution=(96, 96), resolutionunit="INCH")
    assert volume.axes.pixel_size_in("nm") == pytest.approx((4, 4))
    assert volume.size_note.origin == "the FEI metadata of the TIFF"


def test_a_stack_needs_more_than_the_size_in_the_plane(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([PLANE] * 5), extratags=[text(34682, fei())], metadata=None)
    volume = open_volume(tmp_path / "a.tif")
    assert volume.axes.pixel_size is None
    assert volume.size_note.doubt.endswith("says y 4 nm, x 4 nm, and nothing of z")


CODES = (
    34680,
    34682,
    34118,
    34412,
    33628,
    33629,
    33560,
    33471,
    34361,
    34362,
    37706,
    51123,
    43314,
    50431,
    65003,
    65009,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    code=st.sampled_from(CODES),
    kind=st.sampled_from((ASCII, UNDEFINED, 1)),
    content=st.one_of(
        st.binary(min_size=1, max_size=300),
        st.text(st.characters(max_codepoint=255), min_size=1, max_size=80).map(lambda t: t.encode("latin-1")),
        st.sampled_from(
            [fei("1e999", "--"), fei("0x4", "1_0"), zeiss(value="Image Pixel Size ="), zeiss(value="= = =")]
        ).map(str.encode),
    ),
)
def test_any_bytes_in_a_tag_of_a_maker_give_a_size_or_none(
    tmp_path: Path, code: int, kind: int, content: bytes
) -> None:
    try:
        volume = tif(tmp_path, [raw(code, content, kind)])
    except InputError:
        return
    assert volume.axes.pixel_size is None or len(volume.axes.pixel_size) == volume.axes.ndim


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    description=st.one_of(
        st.text(st.characters(min_codepoint=1, max_codepoint=126), min_size=1, max_size=60).map(
            "ImageJ=1.54f\n{}".format
        ),
        st.tuples(
            st.sampled_from(("unit", "yunit", "zunit", "spacing", "images", "slices", "frames", "channels")),
            st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
        ).map(lambda pair: f"ImageJ=1.54f\nunit=um\n{pair[0]}={pair[1]}\n"),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(
            lambda value: (
                "<OME><Image><Pixels PhysicalSizeX='4' PhysicalSizeY="
                + json.dumps(value.replace("<", "").replace("&", ""))
                + "/></Image></OME>"
            )
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60).map("<OME {}</OME>".format),
    ),
    resolution=st.tuples(*[st.integers(0, 2**32 - 1)] * 4),
)
def test_any_description_and_resolution_give_a_size_or_none(
    tmp_path: Path, description: str, resolution: tuple[int, ...]
) -> None:
    tags: list[Tag] = [
        text(270, description),
        (282, RATIONAL, 1, resolution[:2], True),
        (283, RATIONAL, 1, resolution[2:], True),
    ]
    try:
        volume = tif(tmp_path, tags)
    except InputError:
        return
    assert volume.axes.pixel_size is None or len(volume.axes.pixel_size) == volume.axes.ndim
