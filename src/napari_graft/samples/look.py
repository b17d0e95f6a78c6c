"""The appearance of a generated image: everything about its appearance that is not chance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np


class CellKind(Enum):
    """What a generated cell image imitates."""

    FLUORESCENCE = "fluorescence"
    STAINED = "stained"
    PHASE = "phase"
    ORGANELLES = "organelles"


@dataclass(frozen=True, slots=True)
class Appearance:
    """Appearance of a generated image; lengths in pixels, strengths relative to the grey range 0..1."""

    radius: float = 16.0
    size_spread: float = 0.6
    elongation: float = 1.5
    stretch: float = 1.2
    waviness: float = 1.0
    membrane_width: float = 2.5
    membrane_contrast: float = 0.45
    membrane_gaps: float = 0.25
    cytoplasm_spread: float = 0.05
    texture: float = 0.06
    texture_scale: float = 1.2
    mitochondria: float = 1.0
    vesicles: float = 1.0
    microtubules: float = 1.0
    synapses: float = 1.0
    myelin: float = 0.0
    blur: float = 0.8
    noise: float = 0.04
    shot_noise: float = 0.03
    illumination: float = 0.06
    black: float = 0.1
    white: float = 0.85
    gamma: float = 1.0
    inverted: bool = False
    artefacts: float = 0.0
    cell_kind: CellKind = CellKind.FLUORESCENCE


def random_appearance(rng: np.random.Generator) -> Appearance:
    """Draw an appearance from wide ranges: domain randomisation (Tobin et al. 2017) for pretraining."""
    black = rng.uniform(0.0, 0.3)
    return Appearance(
        radius=_log_uniform(rng, 7.0, 28.0),
        size_spread=rng.uniform(0.3, 0.9),
        elongation=_log_uniform(rng, 0.2, 4.0),
        stretch=_log_uniform(rng, 1.0, 2.5),
        waviness=rng.uniform(0.4, 1.6),
        membrane_width=_log_uniform(rng, 1.2, 5.0),
        membrane_contrast=rng.uniform(0.2, 0.6),
        membrane_gaps=rng.uniform(0.0, 0.6),
        cytoplasm_spread=_log_uniform(rng, 0.01, 0.12),
        texture=_log_uniform(rng, 0.015, 0.12),
        texture_scale=_log_uniform(rng, 0.7, 3.0),
        mitochondria=_often(rng, 0.8, 0.3, 2.0),
        vesicles=_often(rng, 0.7, 0.3, 2.0),
        microtubules=_often(rng, 0.6, 0.3, 2.0),
        synapses=_often(rng, 0.7, 0.3, 2.0),
        myelin=_often(rng, 0.2, 0.15, 0.9),
        blur=_log_uniform(rng, 0.35, 2.2),
        noise=_log_uniform(rng, 0.005, 0.12),
        shot_noise=_log_uniform(rng, 0.005, 0.1),
        illumination=_log_uniform(rng, 0.01, 0.15),
        black=black,
        white=rng.uniform(black + 0.35, 1.0),
        gamma=_log_uniform(rng, 0.6, 1.7),
        inverted=bool(rng.random() < 0.3),
        artefacts=_often(rng, 0.25, 0.3, 1.0),
        cell_kind=list(CellKind)[int(rng.integers(len(CellKind)))],
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _often(rng: np.random.Generator, chance: float, low: float, high: float) -> float:
    """Return 0 or, with the given chance, a value between low and high."""
    value = rng.uniform(low, high)
    return float(value) if rng.random() < chance else 0.0
