"""Faults of processing: a display curve, swapped polarity, compression by JPEG."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from napari_graft.imaging.faults.fault import Image

_LARGEST = 2.2


def gamma(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return ``image ** g`` with g = 2.2 ** strength or its inverse by chance, 2.2 being that of screens."""
    sign = 1 if rng.random() < 0.5 else -1
    return np.clip(image, 0, 1) ** np.float32(_LARGEST ** (sign * strength))


def polarity(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return ``1 - image`` at any strength: a negative, or back-scattered beside transmitted electrons."""
    return 1 - image


_BEST_QUALITY = 95
_WORST_QUALITY = 10


def compression(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return each plane as JPEG of quality ``95 - 85 strength`` gives it back, in blocks of 8 × 8 pixels.

    ITU-T T.81. The planes become eight bits.
    """
    quality = round(_BEST_QUALITY - (_BEST_QUALITY - _WORST_QUALITY) * strength)
    planes = image.reshape(-1, *image.shape[-2:])
    return np.stack([_compressed(plane, quality) for plane in planes]).reshape(image.shape)


def _compressed(plane: Image, quality: int) -> Image:
    from PIL import Image as Picture

    file = BytesIO()
    grey = np.round(255 * np.clip(plane, 0, 1)).astype(np.uint8)
    Picture.fromarray(grey).save(file, "JPEG", quality=quality)
    return np.asarray(Picture.open(file), np.float32) / np.float32(255)
