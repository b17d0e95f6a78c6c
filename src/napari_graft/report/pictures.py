"""Arrays as PNG files that a page can hold within itself."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]

SMALLEST_SIDE = 480
LARGEST_SIDE = 1200


@dataclass(frozen=True, slots=True)
class Picture:
    """Hold a PNG, and what the page says of it.

    Parameters
    ----------
    name
        File name without the suffix.
    png
        Content of the file.
    size
        Width and height in pixels.
    alt
        What it shows, for those who do not see it.
    """

    name: str
    png: bytes
    size: tuple[int, int]
    alt: str

    @property
    def data_uri(self) -> str:
        """The file as an address that holds it."""
        return f"data:image/png;base64,{b64encode(self.png).decode()}"

    @property
    def page_size(self) -> tuple[int, int]:
        """Width and height on the page, where two pixels of the file make one, so that it stays crisp."""
        return -(-self.size[0] // 2), -(-self.size[1] // 2)


def picture_of(pixels: NDArray[np.uint8], name: str, alt: str) -> Picture:
    """Make a picture of a grey (y, x) or coloured (y, x, 3) array, enlarged or thinned to a handy size."""
    fitted = to_rgb(fit_size(pixels))
    buffer = io.BytesIO()
    imsave(buffer, fitted, format="png")
    return Picture(name, buffer.getvalue(), (fitted.shape[1], fitted.shape[0]), alt)


def fit_size(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeat pixels where the image is small, so that they stay sharp; leave pixels out where it is large."""
    height, width = pixels.shape[:2]
    repeats = max(1, min(-(-SMALLEST_SIDE // min(height, width)), LARGEST_SIDE // max(height, width)))
    step = -(-max(height, width) // LARGEST_SIDE)
    return np.ascontiguousarray(pixels.repeat(repeats, 0).repeat(repeats, 1)[::step, ::step])


def to_rgb(pixels: NDArray[np.uint8]) -> Rgb:
    """Return a grey or coloured picture as (y, x, 3)."""
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., np.newaxis], 3, axis=2)


def blend(image: NDArray[np.uint8], colours: Rgb, strength: NDArray[np.float32]) -> Rgb:
    """Lay colours over a grey image, each pixel with its own strength between 0 and 1."""
    weight = strength[..., np.newaxis]
    mixed = (1 - weight) * to_rgb(image) + weight * colours
    return np.rint(mixed).astype(np.uint8)
