"""TIFF files written tag by tag, for what no writer of ours would write."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

_SHORT, _LONG = 3, 4


def write_tiff(
    path: Path, tags: Mapping[int, int | tuple[int, ...] | bytes], pixels: bytes, *, order: str = "<"
) -> Path:
    """Write one page of one strip: 64 × 64 pixels of 8 bits, 0 black, unless the tags say otherwise.

    Parameters
    ----------
    tags
        By number: an integer, several of 16 bits, or bytes.
    order
        ``<`` or ``>``, the order of bytes.
    """
    known: dict[int, int | tuple[int, ...] | bytes] = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 277: 1}
    known |= dict(tags)
    known = {278: known[257], 279: len(pixels)} | known
    is_tiled = 322 in known
    if is_tiled:
        known = {code: value for code, value in known.items() if code not in (273, 278, 279)}
        known[325] = len(pixels)
    place = 324 if is_tiled else 273
    start = 8 + 2 + 12 * (len(known) + 1) + 4
    extra = b""
    entries = {place: b""}
    for code, value in known.items():
        kind, count, packed = _packed(value, order)
        if len(packed) > 4:
            packed, extra = struct.pack(f"{order}I", start + len(extra)), extra + packed
        entries[code] = struct.pack(f"{order}HHI", code, kind, count) + packed.ljust(4, b"\0")
    entries[place] = struct.pack(f"{order}HHII", place, _LONG, 1, start + len(extra))
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(entries))
    path.write_bytes(head + b"".join(entries[code] for code in sorted(entries)) + bytes(4) + extra + pixels)
    return path


def _packed(value: int | tuple[int, ...] | bytes, order: str) -> tuple[int, int, bytes]:
    """Return the TIFF type, the number of values, and their bytes."""
    if isinstance(value, bytes):
        return 2, len(value), value
    if isinstance(value, tuple):
        return _SHORT, len(value), struct.pack(f"{order}{len(value)}H", *value)
    return _LONG, 1, struct.pack(f"{order}I", value)
