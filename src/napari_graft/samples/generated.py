"""What every generator returns: an image and its truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """A generated image and the objects in it.

    Attributes
    ----------
    image
        uint8, (y, x) or (z, y, x).
    segments
        uint32, the shape of the image; 0 is background, the ids 1… are dense. In every slice an id is one
        4-connected region, and no two pixels side by side have different ids: background lies between.
    """

    image: NDArray[np.uint8]
    segments: NDArray[np.uint32]
