"""What no image is: shapes beyond every disk, and chunks that would fill the memory when one is read."""

from __future__ import annotations

from math import prod

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.io.volume import LazyArray

MOST_BYTES = 1 << 53
"""8 PiB, several times the largest image that was ever published."""
LARGEST_CHUNK_BYTES = 1 << 30
"""A chunk, a strip or a tile of a file is decoded whole for whatever is read of it."""


def refuse_immense(data: LazyArray, path: str) -> None:
    """Raise an error where an array says that it is larger than can be, or is kept in parts that are.

    Only what stands in its header is looked at: it costs nothing, and no such part is read. That a part
    unpacks to more than its header says is seen when it is read (`readers.unpacking`).

    Raises
    ------
    InputError
        If so.
    """
    shape, itemsize = tuple(map(int, data.shape)), np.dtype(data.dtype).itemsize
    if min(shape, default=0) < 0 or prod(map(int, shape)) * itemsize > MOST_BYTES:
        raise InputError(
            f"{path} says that it has the shape {shape}, which no image has: it is damaged, make a new copy"
        )
    chunk = getattr(data, "chunks", None)
    if not isinstance(chunk, tuple):
        return
    if min(chunk, default=1) < 1:
        raise InputError(f"{path} is kept in chunks of {chunk}, so of no pixel: make a new copy")
    n_bytes = prod(map(int, chunk)) * itemsize
    if n_bytes > LARGEST_CHUNK_BYTES:
        raise InputError(
            f"{path} is kept in chunks of {chunk}, each {_size_words(n_bytes)}, of which every one is read "
            f"whole: save it in chunks of at most {_size_words(LARGEST_CHUNK_BYTES)}"
        )


def _size_words(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.3g} GiB"
