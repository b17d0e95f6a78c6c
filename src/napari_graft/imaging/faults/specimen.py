"""Faults of the specimen: bright debris, curtaining, charging."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image
from napari_graft.samples.shapes import smooth_field

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


_DEEPEST = 0.25
_WIDTHS = (2.5, 12.0)


def curtaining(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return ``image exp(0.25 strength f)``, f of unit variance: streaks along y, thin and broad, that fade.

    The beam of a FIB-SEM mills along the face, unevenly behind what it cuts slowly. Every plane is milled
    anew.
    """
    height, width = image.shape[-2:]
    planes = image.reshape(-1, height, width)
    streaks = sum(
        smooth_field(planes.shape, (1.0, max(1.0, height / 2), thickness), rng) for thickness in _WIDTHS
    ) / np.sqrt(np.float32(len(_WIDTHS)))
    return np.asarray(image * np.exp(_DEEPEST * strength * streaks).reshape(image.shape), np.float32)


_STRONGEST = 0.5
_HALO = 0.5
_N_SMEARS = (2, 5)


def charging(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image with two to four smears along the scan lines, most of them bright, 0.5 at most.

    Charge changes how many electrons leave a spot and decays while the beam scans on to the right, so that a
    smear begins at once and fades; around it is a halo of half that strength and the other sign.
    """
    height, width = image.shape[-2:]
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]
    charge = np.zeros((height, width), np.float32)
    for _ in range(rng.integers(*_N_SMEARS)):
        sign = 1.0 if rng.random() < 0.75 else -1.0
        thickness = max(1.0, height * rng.uniform(0.01, 0.04))
        tail = max(1.0, width * rng.uniform(0.1, 0.4))
        off, along = rows - height * rng.random(), columns - width * rng.random()
        fading = np.where(along < 0, np.exp(-((along / thickness) ** 2)), np.exp(-np.abs(along) / tail))
        core, halo = (np.exp(-((off / (k * thickness)) ** 2) / 2) for k in (1, 3))
        charge += np.float32(sign) * (core - _HALO * (halo - core)) * fading
    return image + np.float32(_STRONGEST * strength) * charge
