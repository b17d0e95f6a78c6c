"""Exposures that are too long or too short."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

_STOPS_OVER = 0.75
_STOPS_UNDER = 4.0
_GREYS = 255


def exposure(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image exposed too long, its bright parts white, or by chance too short, of few greys.

    At strength 1 it has ``2**0.75`` times the light, or a sixteenth of it, recorded in eight bits.
    """
    stops = _STOPS_OVER if rng.random() < 0.5 else -_STOPS_UNDER
    lit = image * np.float32(2 ** (stops * strength))
    return np.asarray(np.round(np.clip(lit, 0, 1) * _GREYS) / _GREYS, np.float32)
