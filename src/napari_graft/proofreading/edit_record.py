"""The records of a journal of edits: an edit in bytes, and back."""

from __future__ import annotations

import re
import struct
import zlib
from math import prod

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.proofreading.edit import Edit

DONE, UNDONE, REDONE = b"E", b"U", b"R"
"""How the body of a record begins: an edit that was done, the last one undone, the next one done again."""
BEGINNING = re.compile(rb"[EUR]")
_HEAD = struct.Struct("<BBI")
"""Bytes of the tool's name, number of axes, number of runs."""
_NUMBER = np.dtype("<u8")
_QUICK = 1
_MOST_BYTES = 2**32


def pack(edit: Edit) -> bytes:
    """Return the body of the record of an edit: ``E`` and zlib data.

    These hold the name of the tool, the start and shape of the box, and for each run the distance of its
    first pixel from that of the run before, its length, its label before and after, all uint64.
    """
    name = edit.tool.encode()[:255]
    numbers = [edit.box.start, edit.box.shape, np.diff(edit.starts, prepend=0), edit.lengths]
    runs = b"".join(np.asarray(one).astype(_NUMBER).tobytes() for one in (*numbers, edit.before, edit.after))
    head = _HEAD.pack(len(name), edit.box.ndim, edit.starts.size)
    return DONE + zlib.compress(head + name + runs, _QUICK)


def unpack(body: bytes) -> Edit | None:
    """Return the edit of a record, None where the body holds none.

    Parameters
    ----------
    body
        It begins with ``E``.
    """
    try:
        data = zlib.decompressobj().decompress(body[1:], _MOST_BYTES)
        n_name, n_axes, n_runs = _HEAD.unpack_from(data)
        name = data[_HEAD.size : _HEAD.size + n_name].decode()
        numbers = np.frombuffer(data, _NUMBER, offset=_HEAD.size + n_name)
        start, shape, *runs = np.split(numbers, np.cumsum([n_axes, n_axes, n_runs, n_runs, n_runs]))
        steps, lengths, before, after = (one.astype(np.uint64) for one in runs)
        starts, n_pixels = np.cumsum(steps).astype(np.int64), lengths.astype(np.int64)
        box = Tile(tuple(map(int, start)), tuple(map(int, shape)))
    except (zlib.error, struct.error, ValueError, InputError):
        return None  # the checksum fits and the content does not: none of ours
    is_whole = all(one.size == n_runs for one in (starts, n_pixels, before, after))
    if not is_whole or np.any(n_pixels < 1) or int((starts + n_pixels).max(initial=0)) > prod(box.shape):
        return None
    return Edit(name, box, starts, n_pixels, before, after)
