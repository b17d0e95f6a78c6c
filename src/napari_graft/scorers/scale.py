"""How wide the objects of an image are, found by trying a source at many scales."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.scorers.consistency import agreement
from napari_graft.segmentation.diameter import object_diameters, usual_diameter

FACTORS: tuple[float, ...] = tuple(2 ** (step / 2) for step in range(-6, 5))
"""Length of an image pixel in model pixels, from an eighth to four."""
LEAST_TRUST = 0.2
"""Below it no scale is believed."""
_WIDTH_TOLERANCE = 0.35
"""How far the found diameter may lie from the source's own, as the natural logarithm of their ratio."""
_SPREAD_TOLERANCE = 0.6
"""How far the diameters of one image may differ, as the standard deviation of their logarithm."""
_FEWEST_OBJECTS, _HALF_TRUSTED = 5, 15
"""So many objects tell nothing, or half of what many would: a few clusters can look like objects."""

Segments = NDArray[np.uint32]
Looks = Iterable[tuple[Segments, Segments]]


@dataclass(frozen=True, slots=True)
class ScaleTrial:
    """Hold what a source finds at one scale.

    Parameters
    ----------
    factor
        Length of an image pixel in model pixels.
    consistency
        Agreement of the objects with those in a changed copy of the image, 0 to 1.
    diameter
        Usual diameter of the objects in pixels of the model; see `usual_diameter`.
    spread
        Standard deviation of the natural logarithm of the diameters.
    n_objects
        Number of objects.
    """

    factor: float
    consistency: float
    diameter: float
    spread: float
    n_objects: int

    def trust(self, own_diameter: float) -> float:
        """Return how well it fits a source whose objects are `own_diameter` wide, 0 to 1.

        At the right scale the objects are steady, as wide as those that the source knows, and alike. At one
        that is too large they fall into pieces of all sizes, at one that is too small they are small or run
        together.
        """
        if self.n_objects < _FEWEST_OBJECTS:
            return 0.0
        off = np.log(self.diameter / own_diameter) / _WIDTH_TOLERANCE
        alike = np.exp(-(off**2) / 2 - (self.spread / _SPREAD_TOLERANCE) ** 2 / 2)
        return float(self.consistency * alike * self.n_objects / (self.n_objects + _HALF_TRUSTED))


@dataclass(frozen=True, slots=True)
class FoundDiameter:
    """Say how wide the objects of an image are, in its own pixels, and how sure that is, 0 to 1."""

    pixels: float
    trust: float


def find_diameter(
    look: Callable[[float], Looks], own_diameter: float, factors: Sequence[float] = FACTORS
) -> FoundDiameter | None:
    """Return the diameter at the scale that fits a source best; None where no scale is to be believed.

    Parameters
    ----------
    look
        Given a factor, yields for each tile the source's objects on its own grid, in the tile and in a
        changed copy of it (see `changes`).
    own_diameter
        Of the objects that the source was trained on, in its pixels.
    """
    trials = [try_scale(factor, look(factor)) for factor in factors]
    best = max(trials, key=lambda trial: trial.trust(own_diameter))
    trust = best.trust(own_diameter)
    if trust < LEAST_TRUST:
        return None
    return FoundDiameter(best.diameter / best.factor, trust)


def try_scale(factor: float, looks: Looks) -> ScaleTrial:
    """Sum up what a source finds at one scale."""
    agreements, found = [], []
    for plain, changed in looks:
        agreements.append(agreement(plain, changed))
        found.append(object_diameters(plain))
    widths = np.concatenate([*found, np.empty(0)])
    usual = usual_diameter(widths)
    if usual is None:
        return ScaleTrial(factor, 0.0, 1.0, 0.0, 0)
    spread = float(np.std(np.log(widths)))
    return ScaleTrial(factor, float(np.mean(agreements)), usual, spread, widths.size)
