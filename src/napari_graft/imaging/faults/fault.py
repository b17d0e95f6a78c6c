"""What every fault of a microscope is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
"""Grey from 0, black, to 1, white, in planes (..., y, x)."""

WEAK, MIDDLE, STRONG = 1 / 3, 2 / 3, 1.0
"""At the strong end an expert still recognises the objects."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Image fault: spoils images in one way, as an instrument would record them.

    Parameters
    ----------
    title
        What it is called, in words.
    function
        Given an image, a strength above 0, and what it draws from, returns the spoilt image, which may
        leave 0 to 1. What is of the instrument is the same for all planes, what is chance is not.
    """

    title: str
    function: Callable[[Image, float, np.random.Generator], Image]

    def __call__(self, image: Image, strength: float, rng: np.random.Generator) -> Image:
        """Return the spoilt image, clipped to 0 to 1: no detector records more.

        Parameters
        ----------
        image
            Grey from 0 to 1, float32 (..., y, x); it is left alone.
        strength
            0, which returns the image as it is, to 1; see `WEAK`, `MIDDLE` and `STRONG`.
        """
        if strength == 0:
            return image
        return np.clip(self.function(image, strength, rng), 0, 1).astype(np.float32, copy=False)
