"""Find out whether a TIFF file was cut short.

tifffile drops the pages that lie beyond the end of a file, so that a cut stack would look like a shorter one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from math import prod

import tifffile

from napari_graft.core.errors import InputError

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
