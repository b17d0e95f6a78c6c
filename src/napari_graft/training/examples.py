"""What the trainer learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.labels import UNLABELLED


@dataclass(frozen=True, slots=True)
class Example:
    """Pair an image with the annotation of a part of it, on the grid of the model.

    Parameters
    ----------
    image
        Normalised grey image, float32, shape (*spatial); it may reach beyond the annotated part, as context.
    train
        Annotation labels that may be learned from, int32, same shape; everything else is 0, unlabelled.
    validation
        Annotation labels of the held-out part, int32, same shape. No pixel is labelled in both.
    """

    image: NDArray[np.float32]
    train: NDArray[np.int32]
    validation: NDArray[np.int32]

    def __post_init__(self) -> None:
        if not self.image.shape == self.train.shape == self.validation.shape:
            raise InputError(
                f"image {self.image.shape}, labels {self.train.shape} and held-out labels "
                f"{self.validation.shape} of an example must have one shape"
            )
        if np.any((self.train != UNLABELLED) & (self.validation != UNLABELLED)):
            raise InputError("a pixel is both trained on and held out: keep the two parts of a tile apart")
