"""Which of the images in a TIFF file is meant."""

from __future__ import annotations

from math import prod
from pathlib import Path
from xml.etree import ElementTree

import tifffile

from napari_graft.core.errors import InputError
from napari_graft.io.location import DATASET_MARK

_N_LISTED = 12
_MOST_PLANES = 1 << 22


def choose_series(tif: tifffile.TiffFile, wanted: str, path: str) -> tuple[int, tuple[str, ...]]:
    """Return the index of the series to read, and notes: the one of that name or number, else the largest.

    Raises
    ------
    InputError
        If there is none of that name, the file holds no image, or another file that belongs to it is missing.
    """
    _refuse_immense(tif, path)
    missing = missing_files(tif)
    try:
        series = list(tif.series)
    except ValueError:
        _refuse_missing(missing, path)
        raise
    if not series:
        raise InputError(f"{path} holds no image: give another file")
    index = _named(series, wanted.strip("/"), path) if wanted else _largest(series)
    notes = [] if wanted or len(series) == 1 else [_note(series, index, path)]
    if any(page is None for page in series[index]):
        _refuse_missing(missing, path)
        n = sum(page is None for page in series[index])
        notes.append(f"{n} of its {len(series[index])} planes are missing and read as 0")
    return index, tuple(notes)


def missing_files(tif: tifffile.TiffFile) -> list[str]:
    """Return the names of the files that a multi-file OME-TIFF speaks of and that are not beside it."""
    if not tif.is_ome or not tif.ome_metadata:
        return []
    root = ElementTree.fromstring(tif.ome_metadata)
    names: dict[str, None] = {}
    for entry in root.iter():
        name = entry.get("FileName")
        if not entry.tag.endswith("UUID") or not name or entry.text == root.get("UUID"):
            continue
        if name.lower() != tif.filename.lower() and not (Path(tif.filehandle.dirname) / name).is_file():
            names[name] = None
    return list(names)


def _refuse_immense(tif: tifffile.TiffFile, path: str) -> None:
    """Refuse OME-XML that speaks of more planes than there can be: tifffile makes an entry for each."""
    if not tif.is_ome or not tif.ome_metadata:
        return
    for pixels in ElementTree.fromstring(tif.ome_metadata).iterfind(".//{*}Pixels"):
        n_planes = prod(int(pixels.get(f"Size{axis}", 1)) for axis in "ZCT")
        if n_planes > _MOST_PLANES:
            raise InputError(f"{path} says that it has {n_planes} planes: it is damaged, make a new copy")


def _refuse_missing(missing: list[str], path: str) -> None:
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(
            f"{path} is one of several files of an OME-TIFF, of which {', '.join(missing[:3])}{more} "
            f"{'is' if len(missing) == 1 else 'are'} missing: put all of them into one folder"
        )


def _largest(series: list[tifffile.TiffPageSeries]) -> int:
    """Return the series of the largest planes, then of the most pixels; the first of equal ones."""
    sizes = [(_plane(one), prod(one.shape)) for one in series]
    return sizes.index(max(sizes))


def _plane(series: tifffile.TiffPageSeries) -> int:
    return prod(n for n, letter in zip(series.shape, series.axes, strict=True) if letter in "YX")


def _named(series: list[tifffile.TiffPageSeries], wanted: str, path: str) -> int:
    same = [i for i, one in enumerate(series) if one.name and one.name == wanted]
    if len(same) == 1:
        return same[0]
    if wanted.isdecimal() and int(wanted) < len(series):
        return int(wanted)
    raise InputError(
        f"{path} has no image {wanted!r}: choose one as {path}{DATASET_MARK}NUMBER from {_list(series)}"
    )


def _note(series: list[tifffile.TiffPageSeries], index: int, path: str) -> str:
    return (
        f"of its {len(series)} images the largest is used, {DATASET_MARK}{index}; "
        f"choose another as {Path(path).name}{DATASET_MARK}NUMBER from {_list(series)}"
    )


def _list(series: list[tifffile.TiffPageSeries]) -> str:
    shown = [
        f"{i} {one.name!r} {one.shape}" if one.name else f"{i} {one.shape}" for i, one in enumerate(series)
    ]
    return ", ".join(shown[:_N_LISTED]) + (", …" if len(shown) > _N_LISTED else "")
