"""What the axes of a TIFF series are, and what its channels are called."""

from __future__ import annotations

from xml.etree import ElementTree

import tifffile

from napari_graft.io.axis_names import KNOWN_AXES, UNKNOWN

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
