"""The records of a draft: what changed on a tile from one state to the next, packed and checked.

The body of a record (`napari_graft.io.records`) is a letter and zlib data. Behind
``W`` are the labels of the whole tile; behind ``C`` the flat indices of the changed pixels, each as the
distance from the one before, and then their new labels; behind ``B`` the labels of the whole tile, and then
those that it began with. All numbers are uint32.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from napari_graft.io.records import is_cut_off, pack_record, read_record

Labels = NDArray[np.uint32]

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
    found = read_record(data, start)
    if found is None:
        return None
    body, end = found
    try:
        return _state_after(body, state, shape), end
    except (zlib.error, ValueError, IndexError):  # the checksum fits and the content does not: not our record
        return None


def is_damaged(tail: bytes) -> bool:
    """Say whether what follows the last whole record was changed, and is not just cut off by a kill.

    Cut off is what ends before its length says, with nothing behind it; a power cut can leave zeros.
    """
    return not is_cut_off(tail, _BEGINNING)


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
    return pack_record(kind + zlib.compress(numbers, _QUICK))
