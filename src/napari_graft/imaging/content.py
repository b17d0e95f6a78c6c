"""Which of some pieces of an image have something in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fullest(images: Sequence[NDArray[np.float32]], n: int) -> list[NDArray[np.float32]]:
    """Return `n` images from the half of them in which grey varies most, from the fullest to the median.

    Half of a field may be empty, and an empty place tells nothing of what a network finds. Not the fullest
    alone are taken, which may be those with dirt on them.

    Parameters
    ----------
    images
        Normalised grey, any shapes.
    n
        How many; all are returned, the fullest first, where there are no more.
    """
    in_order = sorted(images, key=lambda image: float(image.std()), reverse=True)
    half = in_order[: max(n, -(-len(in_order) // 2))]
    if len(half) <= n:
        return half
    return [half[i] for i in np.linspace(0, len(half) - 1, n).round().astype(int)]
