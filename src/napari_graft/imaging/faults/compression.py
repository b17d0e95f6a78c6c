"""Compression by JPEG."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from napari_graft.imaging.faults.fault import Image

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
