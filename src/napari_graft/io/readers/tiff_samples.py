"""What the axes, the channels and the samples of a TIFF series stand for."""

from __future__ import annotations

from math import isfinite
from xml.etree import ElementTree

import tifffile

from napari_graft.io.axis_names import KNOWN_AXES, N_COLOURS, UNKNOWN
from napari_graft.io.channels import (
    Conversion,
    from_cmyk,
    from_lab,
    from_ycbcr,
    inversion,
    palette,
)

_SAMPLES = "s"
_PAGES = "iq"
"""Letters of tifffile for an axis that it only counts."""


def letters_of_series(series: tifffile.TiffPageSeries) -> str:
    """Return the axes in our letters, the samples of a pixel as channels, ``?`` for those that have none."""
    letters = series.axes.lower()
    if _SAMPLES in letters and "c" not in letters:
        letters = letters.replace(_SAMPLES, "c")
    letters = "".join(letter if letter in KNOWN_AXES else UNKNOWN for letter in letters)
    sizes = dict(zip(letters, series.shape, strict=True))
    if UNKNOWN in letters and 1 in (sizes.get("y"), sizes.get("x")):
        # an array that was cut into pages of one row: its last axes are not y and x
        letters = letters.replace("y", UNKNOWN).replace("x", UNKNOWN)
    return letters


def foreign_axis(series: tifffile.TiffPageSeries) -> str | None:
    """Return in words which axis is none of time, channel and space, such as angle or lifetime, else None."""
    known = KNOWN_AXES + _PAGES + ("" if "C" in series.axes else _SAMPLES)
    for letter, n in zip(series.axes.lower(), series.shape, strict=True):
        if letter not in known and n > 1:
            return (
                f"has the axis {letter!r} ({_name_of(letter)}) of length {n}: "
                "save one of its images as a file, or name the axes, for example --axes zyx"
            )
    return None


def _name_of(letter: str) -> str:
    if letter == _SAMPLES:
        return "colours of each channel"
    return str(tifffile.TIFF.AXES_NAMES.get(letter.upper(), "unknown"))


def channel_names(tif: tifffile.TiffFile, index: int, n_channels: int) -> tuple[str, ...]:
    """Return the names that OME-XML or ImageJ gives the channels of a series, none unless each has one."""
    names: list[str] = []
    if tif.is_ome and tif.ome_metadata:
        images = ElementTree.fromstring(tif.ome_metadata).findall("{*}Image")
        if index < len(images):
            names = [channel.get("Name") or "" for channel in images[index].findall("{*}Pixels/{*}Channel")]
    elif tif.is_imagej and tif.imagej_metadata:
        labels = tif.imagej_metadata.get("Labels") or []
        names = [str(label).splitlines()[0].strip() if str(label) else "" for label in labels]
    return tuple(names) if len(names) == n_channels and all(names) else ()


_JPEGS = {6, 7, 33003, 33004, 33005, 33007, 34712}
"""Compressions whose decoder gives red, green and blue."""
_LOSSY = {6, 7, 33007, 34892}
"""Compressions of the JPEG kind that change numbers; of more than 8 bits they need not."""
_GDAL_NODATA = 42113


def conversion_of(tif: tifffile.TiffFile, page: tifffile.TiffPage) -> Conversion | None:
    """Return what the stored samples of a page become, None where they are grey or colours already.

    The colour table of an ImageJ file is how the grey values were shown, and is not applied.
    """
    kind, n_samples, dtype = tifffile.PHOTOMETRIC(page.photometric).name, page.samplesperpixel, page.dtype
    if dtype is None:
        return None
    found: Conversion | None = None
    if n_samples == 1 and kind == "MINISWHITE":
        bits = page.bitspersample
        found = inversion(dtype, bits if isinstance(bits, int) else max(bits))
    elif n_samples == 1 and kind == "PALETTE" and page.colormap is not None and not tif.is_imagej:
        found = palette(page.colormap)
    elif n_samples >= 4 and kind == "SEPARATED" and dtype.kind == "u":
        found = from_cmyk(dtype)
    elif n_samples == 3 and kind == "YCBCR" and dtype == "uint8" and int(page.compression) not in _JPEGS:
        found = from_ycbcr()
    elif n_samples == 3 and kind.endswith("LAB"):
        found = from_lab(dtype)
    return found


def has_colours(series: tifffile.TiffPageSeries) -> bool:
    """Say whether the samples of the pixels are red, green and blue when they are read."""
    kinds = (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR)
    return "S" in series.axes and series.keyframe.photometric in kinds


def is_lossy(page: tifffile.TiffPage) -> bool:
    """Say whether the numbers of a page were changed when it was compressed."""
    return int(page.compression) in _LOSSY and page.dtype == "uint8"


def no_data_value(page: tifffile.TiffPage) -> float | None:
    """Return the value that stands for pixels without data, None where there is none.

    Programs of GDAL's kind write it, also those of microscopes; NaN is refused where it is read.
    """
    tag = page.tags.get(_GDAL_NODATA)
    try:
        value = float("nan" if tag is None else str(tag.value).strip("\0 "))
    except ValueError:
        return None
    return value if isfinite(value) else None


def doubt_of(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, letters: str) -> str | None:
    """Return what is not clear of the axes, None where all is.

    tifffile writes an array of three or four planes as colours unless it is told otherwise; and one whose
    last axis is three or four long, where it is told that it is grey, as samples of each pixel.
    """
    page = series.keyframe
    n_samples = page.samplesperpixel
    if (
        "c" not in letters
        or n_samples not in N_COLOURS
        or series.kind not in ("shaped", "generic", "uniform")
    ):
        return None
    if letters.count(UNKNOWN) == 1:  # pages that nobody named
        letters = letters.replace(UNKNOWN, "t" if "z" in letters else "z")
    slices = letters.replace("z", "t").replace("c", "z")
    if page.photometric == tifffile.PHOTOMETRIC.RGB:
        is_default = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and series.kind == "shaped"
        if not is_default or any("axes" in entry for entry in tif.shaped_metadata or ()):
            return None
    elif page.photometric != tifffile.PHOTOMETRIC.MINISBLACK:
        return None
    return (
        f"has {n_samples} planes of which it is not clear whether they are colours: give --axes {letters} "
        f"--channel rgb if so, --axes {slices} if they are slices, or --channel 0 for one of them"
    )
