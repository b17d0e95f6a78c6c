"""The records of a draft: what changed on a tile from one state to the next, packed and checked.

A record is its length and its CRC-32 (little endian, four bytes each), then a letter and zlib data. Behind
``W`` are the labels of the whole tile; behind ``C`` the flat indices of the changed pixels, each as the
distance from the one before, and then their new labels; behind ``B`` the labels of the whole tile, and then
those that it began with. All numbers are uint32.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint32]

_HEAD = struct.Struct("<II")
_NUMBER = np.dtype("<u4")
_QUICK = 1
_WHOLE, _CHANGES, _BEGUN = b"W", b"C", b"B"
_BEGINNING = re.compile(rb"[WCB]\x78\x01")
"""How the body of a record begins: its kind, and the head of zlib data of the quickest kind."""


@dataclass(frozen=True, slots=True, eq=False)
class DraftState:
    """State of what is painted on a tile.

    Parameters
    ----------
    labels
        (*tile.shape) uint32, in the annotation convention.
    begun
        What a model had put there before anybody painted, 0 where it had put nothing; None in a draft of a
        version that did not note it.
    """

    labels: Labels
    begun: Labels | None = None


def pack(before: DraftState | None, after: DraftState) -> bytes | None:
    """Return the record that leads from one state to the next, None where they are equal."""
    labels, begun = after.labels, after.begun
    if begun is not None and (before is None or before.begun is None or np.any(before.begun != begun)):
        return _frame(_BEGUN, np.stack([labels, begun]).astype(_NUMBER).tobytes())
    if before is None:
        return _frame(_WHOLE, labels.astype(_NUMBER).tobytes())
    new = labels.ravel()
    indices = np.flatnonzero(before.labels.ravel() != new)
    if indices.size == 0:
        return None
    if 2 * indices.size > labels.size:  # the whole tile is shorter
        return _frame(_WHOLE, labels.astype(_NUMBER).tobytes())
    steps = np.diff(indices, prepend=0)
    return _frame(_CHANGES, np.concatenate([steps, new[indices]]).astype(_NUMBER).tobytes())


def unpack(
    data: bytes, start: int, state: DraftState | None, shape: tuple[int, ...]
) -> tuple[DraftState, int] | None:
    """Return the state after the record at `start` of `data`, and where it ends; None where it is not whole.

    Parameters
    ----------
    state
        The state before it, None before the first; its labels are changed in place.
    """
    if start + _HEAD.size > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, start)
    end = start + _HEAD.size + length
    body = data[start + _HEAD.size : end]
    # A length of 0 is no record: a power cut can leave a tail of zeros, whose checksum is 0 as well.
    if length == 0 or len(body) < length or zlib.crc32(body) != checksum:
        return None
    try:
        return _state_after(body, state, shape), end
    except (zlib.error, ValueError, IndexError):  # the checksum fits and the content does not: not our record
        return None


def is_damaged(tail: bytes) -> bool:
    """Say whether what follows the last whole record was changed, and is not just cut off by a kill.

    Cut off is what ends before its length says, with nothing behind it; a power cut can leave zeros.
    """
    if len(tail) < _HEAD.size or not tail.strip(b"\0"):
        return False
    length, checksum = _HEAD.unpack_from(tail)
    body = tail[_HEAD.size :]
    if 0 < length <= len(body) or zlib.crc32(body) == checksum:
        return True
    starts = (found.start() - _HEAD.size for found in _BEGINNING.finditer(tail, 2 * _HEAD.size))
    return any(_is_whole(tail, start) for start in starts)


def _is_whole(data: bytes, start: int) -> bool:
    length, checksum = _HEAD.unpack_from(data, start)
    body = data[start + _HEAD.size : start + _HEAD.size + length]
    return bool(len(body) == length and zlib.crc32(body) == checksum)


def _state_after(body: bytes, state: DraftState | None, shape: tuple[int, ...]) -> DraftState:
    n_bytes = 2 * prod(shape) * _NUMBER.itemsize
    numbers = np.frombuffer(zlib.decompressobj().decompress(body[1:], n_bytes), _NUMBER)
    if body[:1] == _BEGUN:
        labels, begun = numbers.astype(np.uint32).reshape(2, *shape)
        return DraftState(labels, begun)
    if body[:1] == _WHOLE:
        return DraftState(numbers.astype(np.uint32).reshape(shape), None if state is None else state.begun)
    if state is None:
        raise ValueError("changes need a state before them")
    steps, values = np.split(numbers, 2)
    state.labels.ravel()[np.cumsum(steps, dtype=np.intp)] = values
    return state


def _frame(kind: bytes, numbers: bytes) -> bytes:
    body = kind + zlib.compress(numbers, _QUICK)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body
