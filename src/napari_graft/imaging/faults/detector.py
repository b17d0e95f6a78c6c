"""Faults of the detector: exposure, noise, stripes, dead and hot pixels, saturation."""

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


_FEWEST = 25.0


def shot_noise(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return ``Poisson(n image) / n`` with ``n = 25 / strength²``, the number of photons that make white."""
    # Beyond a million the noise is less than a thousandth, and numpy draws no numbers that large.
    n = _FEWEST / max(strength, 0.005) ** 2
    return np.asarray(rng.poisson(np.clip(image, 0, 1) * n) / n, np.float32)


_LARGEST_DEVIATION = 0.1


def read_noise(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image with Gaussian noise of a standard deviation of ``0.1 strength``, alike everywhere."""
    return image + np.float32(_LARGEST_DEVIATION * strength) * rng.standard_normal(image.shape, np.float32)


_LARGEST = 0.07
_PERIODS = (4.0, 32.0)


def stripes(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image with an offset for each row: chance and a hum of the mains, each 0.07 at strength 1.

    Chance has that standard deviation, the hum that amplitude and a period of 4 to 32 rows.
    """
    n_rows = image.shape[-2]
    chance = rng.standard_normal((*image.shape[:-1], 1), np.float32)
    turns = np.arange(n_rows) / rng.uniform(*_PERIODS) + rng.random()
    hum = np.sin(2 * np.pi * turns).astype(np.float32)[:, None]
    return image + np.float32(_LARGEST * strength) * (chance + hum)


_SHARE = 0.01


def dead_and_hot_pixels(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image with single pixels black or white, 1 % of them at strength 1, the same in all planes.

    Real cameras have up to a tenth of that, old and cooled badly.
    """
    drawn = rng.random(image.shape[-2:])
    half = _SHARE * strength / 2
    return np.where(drawn < half, np.float32(0), np.where(drawn > 1 - half, np.float32(1), image))


_WHITE, _BLACK = 0.5, 0.25
_PERCENTILES = (0.5, 50, 99.5)


def saturation(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image with its bright end white and its dark end black.

    At strength 1 white begins half way from the brightest grey to the median, black a quarter of the way from
    the darkest to it: grey counts, not the number of pixels, so that few bright objects on dark ground stay.
    """
    low, middle, high = (float(grey) for grey in np.percentile(image, _PERCENTILES))
    black = low + _BLACK * strength * (middle - low)
    white = high - _WHITE * strength * (high - middle)
    if white - black < 1e-6:  # nothing but one grey
        return image
    return (image - np.float32(black)) / np.float32(white - black)
