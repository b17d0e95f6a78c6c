"""TIFF, BigTIFF, OME-TIFF and ImageJ stacks, read strip by strip or tile by tile."""

from __future__ import annotations

import logging
import struct
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from math import prod
from pathlib import Path
from typing import cast
from xml.etree import ElementTree

import numpy as np
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.io.layout import RawImage
from napari_graft.io.pixel_sizes.tiff import tiff_sizes
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.readers.tiff_samples import (
    channel_names,
    conversion_of,
    doubt_of,
    foreign_axis,
    has_colours,
    is_lossy,
    letters_of_series,
    no_data_value,
)
from napari_graft.io.regular_files import DATASET_MARK, split_location
from napari_graft.io.untrusted import foreign_errors
from napari_graft.io.volume import LazyArray

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


NEEDED_TAGS = {270, 273, 279, 282, 283, 324, 325}
"""Description, resolution, and the offsets and lengths of strips and tiles."""
BYTES_BY_TYPE = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}


def end_of_headers(tif: tifffile.TiffFile, path: str) -> int:
    """Return where the last of the page headers ends; to be asked before tifffile follows them.

    Raises
    ------
    InputError
        If they point in a circle, which tifffile would follow for ever.
    """
    return max(_header_ends(tif, path))


def refuse_truncated(
    tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, headers_end: int, path: str
) -> None:
    """Raise `InputError` unless all page headers and the pixels of the first and last page are there."""
    size = tif.filehandle.size
    ends = [headers_end]
    for index in (0, len(tif.pages) - 1):
        page = tif.pages[index]
        n_parts = prod(page.chunked)
        if len(page.dataoffsets) < n_parts:
            raise InputError(
                f"{path} says where {len(page.dataoffsets)} of the {n_parts} parts of a page lie, the others "
                "would read as 0: make a new copy of it"
            )
        ends += [start + n for start, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if series.dataoffset is not None:
        ends.append(series.dataoffset + series.nbytes)
    if max(ends) > size:
        raise InputError(f"{path} is cut short, {size} bytes of at least {max(ends)}: make a new copy of it")


def _header_ends(tif: tifffile.TiffFile, path: str) -> Iterator[int]:
    """Yield where each page header of the chain and its values end; stop at one that is cut."""
    layout, handle = tif.tiff, tif.filehandle
    seen: set[int] = set()
    offset = tif.pages.first.offset
    while offset:
        if offset in seen:
            raise InputError(f"{path} is damaged, its pages go in a circle: make a new copy of it")
        seen.add(offset)
        handle.seek(offset)
        head = handle.read(layout.tagnosize)
        yield offset + layout.tagnosize
        if len(head) < layout.tagnosize:
            return
        n_bytes = struct.unpack(layout.tagnoformat, head)[0] * layout.tagsize
        body = handle.read(n_bytes + layout.offsetsize)
        yield offset + layout.tagnosize + n_bytes + layout.offsetsize
        if len(body) < n_bytes + layout.offsetsize:
            return
        yield from _value_ends(body[:n_bytes], layout)
        offset = struct.unpack(layout.offsetformat, body[n_bytes:])[0]


def _value_ends(tags: bytes, layout: tifffile.TiffFormat) -> Iterator[int]:
    """Yield where the values end that do not fit into their tag."""
    for start in range(0, len(tags), layout.tagsize):
        code, kind = struct.unpack_from(layout.tagformat1, tags, start)
        count, inline = struct.unpack_from(layout.tagformat2, tags, start + 4)
        n_bytes = count * BYTES_BY_TYPE.get(kind, 1)
        if code in NEEDED_TAGS and n_bytes > layout.tagoffsetthreshold:
            yield struct.unpack(layout.offsetformat, inline)[0] + n_bytes


SMALL_PAGE_BYTES = 4 << 20

# what it has to say of damaged files is said by us, in words, or does not matter
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def read_tiff(path: str) -> RawImage:
    """Open an image of a TIFF file: the one that ``FILE::NAME`` or ``FILE::1`` chooses, else the largest.

    Raises
    ------
    InputError
        If the file is no TIFF file, is cut short, belongs to others that are missing, or is compressed in a
        way that is not known.
    """
    location, wanted = split_location(path)
    with (
        foreign_errors(
            f"{location} cannot be read as TIFF", "it is damaged or of another kind, make a new copy"
        ),
        ExitStack() as closing,
    ):
        tif = closing.enter_context(tifffile.TiffFile(location))
        headers_end = end_of_headers(tif, location)
        index, notes = choose_series(tif, wanted, location)
        series = tif.series[index]
        refuse_truncated(tif, series, headers_end, location)
        letters = letters_of_series(series)
        image = RawImage(
            _lazy_pixels(tif, index, location),
            letters,
            tiff_sizes(tif, series),
            channel_names(tif, index, series.shape[letters.find("c")]),
            has_colours=has_colours(series),
            conversion=conversion_of(tif, series.keyframe),
            doubt=foreign_axis(series) or doubt_of(tif, series, letters),
            notes=notes,
            is_lossy=is_lossy(series.keyframe),
            no_data=no_data_value(series.keyframe),
        )
        if not isinstance(image.data, np.memmap):
            closing.pop_all()
    return image


def _lazy_pixels(tif: tifffile.TiffFile, index: int, path: str) -> LazyArray:
    """Return the pixels as a memory map, or as a zarr array over the compressed chunks."""
    import zarr

    series = tif.series[index]
    if series.dataoffset is not None and series.keyframe.is_memmappable:
        return cast(LazyArray, tifffile.memmap(path, series=index, mode="r"))
    page = series.keyframe
    is_small = not page.is_tiled and page.nbytes <= SMALL_PAGE_BYTES
    store = series.aszarr(level=0, chunkmode="page" if is_small else None)
    # the file stays open for as long as someone may read from it
    weakref.finalize(store, tif.close)
    return cast(LazyArray, zarr.open_array(store, mode="r"))


READERS.register("TIFF")(Reader((".tif", ".tiff"), read_tiff, has_datasets=True))
