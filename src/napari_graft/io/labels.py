"""Label images: integers that are checked as they are read."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.io.foreign import foreign_errors
from napari_graft.io.volume import LazyArray

LARGEST_LABEL = 2**32 - 2
"""Largest label that still fits into uint32 after the shift to the annotation convention."""
SMALL_BYTES = 64 << 20


class LabelView:
    """Base of arrays of labels that show those of another array, `source`, of the same shape."""

    __slots__ = ()
    source: LazyArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""
        return tuple(self.source.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class CheckedLabels(LabelView):
    """Lazy view of labels that refuses those that are negative or too large.

    Parameters
    ----------
    source
        An array of integers, spatial axes only.
    path
        Where it came from, for messages.
    """

    source: LazyArray
    path: str

    def __post_init__(self) -> None:
        if np.dtype(self.source.dtype).kind not in "iu":
            raise InputError(
                f"labels in {self.path} have the dtype {self.source.dtype}: "
                "save them as integers, one number for each object and 0 for background"
            )

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of a label as stored."""
        return self.source.dtype

    def __getitem__(self, key: tuple[slice | int, ...], /) -> NDArray[np.generic]:
        """Read a box; `key` has a slice for each axis.

        Raises
        ------
        InputError
            If a label in the box is negative or above 4294967294; the first one is named with its position.
        """
        with foreign_errors(
            f"cannot read labels of {self.path}", "the file seems damaged, make a new copy of it"
        ):
            labels = np.asarray(self.source[key])
        self._refuse(
            labels < 0, labels, key, "negative: use 0 for background and positive numbers for objects"
        )
        if labels.dtype.itemsize >= 4:
            self._refuse(
                labels > LARGEST_LABEL, labels, key, f"above {LARGEST_LABEL}: renumber the objects from 1"
            )
        return labels

    def _refuse(
        self,
        is_bad: NDArray[np.bool_],
        labels: NDArray[np.generic],
        key: tuple[slice | int, ...],
        reason: str,
    ) -> None:
        if not is_bad.any():
            return
        first = tuple(int(i) for i in np.argwhere(is_bad)[0])
        starts = ((part.start or 0) if isinstance(part, slice) else part for part in key)
        position = tuple(a + i for a, i in zip(starts, first, strict=True))
        raise InputError(f"label {labels[first]} at {position} of {self.path} is {reason}")


def check_labels(data: LazyArray, path: str) -> LazyArray:
    """Return labels, read and checked at once where they are below 64 MB, else whenever they are read."""
    labels = CheckedLabels(data, path)
    n_bytes = prod(labels.shape) * np.dtype(labels.dtype).itemsize
    return labels[(slice(None),) * labels.ndim] if n_bytes < SMALL_BYTES else labels
