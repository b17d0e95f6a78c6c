"""Label images, checked as they are read, and masks of two values given as labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import SPATIAL_NAMES, Axes
from napari_graft.core.errors import InputError, MaskMeaningError
from napari_graft.io.untrusted import foreign_errors
from napari_graft.io.volume import ArrayView, LazyArray, Volume, sample_tiles

LARGEST_LABEL = 2**32 - 2
"""Largest label that still fits into uint32 after the shift to the annotation convention."""
SMALL_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, eq=False)
class CheckedLabels(ArrayView):
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


MaskMeaning = Literal["object", "pieces"]
"""What the pixels of a mask are: one object, or an object for each connected piece."""
_MASK_VALUES = (255, 65535)
"""What programs write for "inside"; a single object of a label image bears another number."""
_SAMPLED_PIXELS = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class BooleanNumbers(ArrayView):
    """Array of true and false, shown as 1 and 0 (uint8) without being read."""

    source: LazyArray

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of a label."""
        return np.dtype(np.uint8)

    def __getitem__(self, key: tuple[slice | int, ...], /) -> NDArray[np.generic]:
        """Read a box."""
        return np.asarray(self.source[key]).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class MaskPieces(ArrayView):
    """Mask whose connected pieces (by edges in 2-D, faces in 3-D) are numbered from 1 in each box read."""

    source: LazyArray
    path: str

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of a label."""
        return np.dtype(np.uint32)

    def __getitem__(self, key: tuple[slice | int, ...], /) -> NDArray[np.generic]:
        """Read a box.

        Raises
        ------
        InputError
            If the box holds several labels, so that this is no mask.
        """
        box = np.asarray(self.source[key])
        values = _object_values(box)
        if len(values) > 1:
            raise InputError(
                f"{self.path} holds the labels {values[0]} and {values[1]}, so it is no mask whose pieces "
                "could be numbered: leave out --mask"
            )
        return label_pieces(box)


def label_pieces(mask: NDArray[np.generic]) -> NDArray[np.uint32]:
    """Return the connected pieces of what is not 0, numbered from 1; pixels touch by edges or faces."""
    from scipy import ndimage

    pieces: NDArray[np.int32] = ndimage.label(mask != 0)[0]
    return pieces.astype(np.uint32)


def as_numbers(data: LazyArray) -> LazyArray:
    """Return `data`, its true and false as 1 and 0."""
    return BooleanNumbers(data) if np.dtype(data.dtype).kind == "b" else data


def settle_mask(labels: LazyArray, meaning: MaskMeaning | None, path: str, *, is_boolean: bool) -> LazyArray:
    """Return labels in which a mask holds what `meaning` says; other label images come back as they are.

    A mask is an image of true and false, or of 0 and 255 (or 65535). Asked for its pieces, one of 0 and any
    other value counts too. Of an image that is read tile by tile a sample decides.

    Raises
    ------
    MaskMeaningError
        If a mask has several pieces and `meaning` is None.
    """
    if meaning == "object":
        return labels
    values, n_pieces = _survey(labels, path)
    if meaning == "pieces":
        return labels if len(values) > 1 else MaskPieces(labels, path)
    if n_pieces > 1 and (is_boolean or values[0] in _MASK_VALUES):
        raise MaskMeaningError(path, values[0], n_pieces)
    return labels


def tell_only_object(labels: Volume) -> str | None:
    """Return a sentence where all that is labelled bears one number and lies in several pieces, else None.

    That may be one object, or a mask whose pieces were never numbered. Only labels in memory are looked at.
    """
    if not isinstance(labels.data, np.ndarray):
        return None
    values, n_pieces = _survey(labels.data, labels.name)
    if n_pieces < 2:
        return None
    return (
        f"{labels.name} holds one object, number {values[0]}, in {n_pieces} pieces: say --mask pieces if "
        "each piece is an object"
    )


def _survey(labels: LazyArray, path: str) -> tuple[list[int], int]:
    """Return the values beside 0, at most two, and in how many pieces the only one lies; 0 of several."""
    values: set[int] = set()
    n_pieces = 0
    for box in _boxes(labels, path):
        values.update(_object_values(box))
        if len(values) > 1:
            return sorted(values)[:2], 0
        n_pieces = max(n_pieces, int(label_pieces(box).max(initial=0)))
    return sorted(values), n_pieces


def _boxes(labels: LazyArray, path: str) -> Iterator[NDArray[np.generic]]:
    """Yield all labels, or a sample; labels that are wrong are told where they are used, and not here."""
    labels = labels.source if isinstance(labels, CheckedLabels) else labels
    if isinstance(labels, np.ndarray):
        yield labels
        return
    volume = Volume(labels, Axes(SPATIAL_NAMES[-labels.ndim :]), path=path)
    for tile in sample_tiles(volume, np.random.default_rng(0), max_pixels=_SAMPLED_PIXELS):
        yield volume.read_raw(tile)


def _object_values(box: NDArray[np.generic]) -> list[int]:
    """Return the values beside 0; at most two, since more say no more."""
    inside = box[box != 0]
    return sorted({int(inside.min()), int(inside.max())}) if inside.size else []
