"""Bright debris, for which the exposure was set."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

_SHARE = 0.015
_LOSS = 0.6
_LEAST_RADIUS, _LARGEST_RADIUS = 1.5, 24.0


def bright_debris(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image under white specks with soft edges, itself darker by 60 % at strength 1.

    Dirt, dead cells and precipitate outshine the specimen, and what is set by them, exposure or range of
    grey, leaves little for it. At strength 1 the specks cover 1.5 % of the image, more than the half per cent
    that robust percentiles leave out. They are 3 to 48 pixels wide.
    """
    shape = image.shape[-2:]
    cover = np.zeros(shape, np.float32)
    largest = float(np.clip(min(shape) / 16, _LEAST_RADIUS, _LARGEST_RADIUS))
    wanted = _SHARE * strength * cover.size
    covered = 0.0
    while covered < wanted:
        radius = float(np.exp(rng.uniform(np.log(_LEAST_RADIUS), np.log(largest))))
        _add_speck(cover, rng.uniform(0, shape), radius)
        covered += np.pi * radius**2
    return image * np.float32(1 - _LOSS * strength) * (1 - cover) + cover


def _add_speck(cover: Image, centre: np.ndarray, radius: float) -> None:
    """Draw a disk whose edge is a third of its radius wide, at least a pixel."""
    edge = max(1.0, radius / 3)
    reach = radius + edge
    starts = [max(0, int(c - reach)) for c in centre]
    box = tuple(slice(a, int(c + reach) + 2) for a, c in zip(starts, centre, strict=True))
    part = cover[box]
    rows, columns = (np.arange(n) + a - c for n, a, c in zip(part.shape, starts, centre, strict=True))
    distance = np.hypot(rows[:, None], columns[None])
    np.maximum(part, np.clip((radius - distance) / edge + 0.5, 0, 1), out=part, casting="same_kind")
