"""What the trainer learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.labels import UNLABELLED

MARGIN = (5, 16, 16)
"""What is kept of a 3-D example around its labels where a network is measured on them."""

Part = Literal["train", "validation", "both"]
Box = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """Training example: an image with the annotation of a part of it, on the grid of the model.

    Parameters
    ----------
    image
        Normalised grey image, float32, shape (*spatial); it may reach beyond the annotated part, as context.
    train
        Annotation labels that may be learned from, int32, same shape; everything else is 0, unlabelled.
    validation
        Annotation labels of the held-out part, int32, same shape. No pixel is labelled in both.
    weight
        How often a patch is drawn from it, for each of its pixels to learn from and relative to the others.
    """

    image: NDArray[np.float32]
    train: NDArray[np.int32]
    validation: NDArray[np.int32]
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.image.shape == self.train.shape == self.validation.shape:
            raise InputError(
                f"image {self.image.shape}, labels {self.train.shape} and held-out labels "
                f"{self.validation.shape} of an example must have one shape"
            )
        if np.any((self.train != UNLABELLED) & (self.validation != UNLABELLED)):
            raise InputError("a pixel is both trained on and held out: keep the two parts of a tile apart")

    def labels(self, part: Part) -> NDArray[np.int32]:
        """Return the annotation of a part."""
        if part == "both":
            return np.maximum(self.train, self.validation)
        return self.train if part == "train" else self.validation


def labelled_box(labels: NDArray[np.integer]) -> Box:
    """Return the smallest box that holds all labelled pixels; there must be one."""
    where = np.nonzero(labels != UNLABELLED)
    return tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in where)


def near_labels(example: Example, part: Part) -> Example:
    """Cut a 3-D example down to what is near the labels of a part; a 2-D one stays as it is.

    A painted slice has as many slices of image around it as the network sees in training. To measure a
    network on all of them costs many times as much as on the slice, and says no more.
    """
    if example.image.ndim == 2:
        return example
    labels = example.labels(part)
    if not np.any(labels != UNLABELLED):
        return example
    sides = zip(labelled_box(labels), MARGIN, strict=True)
    box = tuple(slice(max(0, side.start - m), side.stop + m) for side, m in sides)
    return Example(
        np.ascontiguousarray(example.image[box]),
        np.ascontiguousarray(example.train[box]),
        np.ascontiguousarray(example.validation[box]),
    )
