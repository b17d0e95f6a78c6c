"""How wide the objects of an image are, found by trying sources at many scales."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_graft.scorers.consistency import agreement
from napari_graft.segmentation.objects import object_diameters, usual_diameter

FACTORS: tuple[float, ...] = tuple(2 ** (step / 2) for step in range(-6, 5))
"""Length of an image pixel in model pixels, from an eighth to four."""
COARSE = FACTORS[::2]
"""Those of them that are glanced at."""
N_ASKED = 2
"""Sources that look closer."""
LEAST_TRUST = 0.2
"""Below it no scale is believed."""
_WIDTH_TOLERANCE = 0.35
"""How far the found diameter may lie from the source's own, as the natural logarithm of their ratio."""
_SPREAD_TOLERANCE = 0.6
"""How far the diameters of one image may differ, as the standard deviation of their logarithm."""
_FEWEST_IN_TILE = 2
"""Objects of a tile below which it counts against a scale: one alone may be a piece of anything."""
_FEWEST_OBJECTS, _HALF_TRUSTED = 5, 15
"""So many objects tell nothing, or half of what many would: a few clusters can look like objects."""

_CLEARLY_NARROWER = 3.0
"""Ratio of two widths that no scatter of one kind of object explains."""
_NEARLY = 0.6
"""Share of the best trust from which another scale is nearly as good."""

_MAGNIFIED = 2.0
"""Factor above which objects are a few pixels wide: the grain of any image looks like that."""

Segments = NDArray[np.uint32]
SegmentPairs = Iterable[tuple[Segments, Segments | None]]


@dataclass(frozen=True, slots=True)
class ScaleTrial:
    """What a source finds at one scale.

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

        At the right scale the objects are consistent, as wide as those that the source knows, and alike.
        At one that is too large they fall into pieces of all sizes, at one that is too small they are small
        or run together.
        """
        if self.n_objects < _FEWEST_OBJECTS:
            return 0.0
        off = np.log(self.diameter / own_diameter) / _WIDTH_TOLERANCE
        alike = np.exp(-(off**2) / 2 - (self.spread / _SPREAD_TOLERANCE) ** 2 / 2)
        doubt = _MAGNIFIED / max(self.factor, _MAGNIFIED)
        return float(doubt * self.consistency * alike * self.n_objects / (self.n_objects + _HALF_TRUSTED))


@dataclass(frozen=True, slots=True)
class FoundDiameter:
    """Diameter of the objects of an image, in its own pixels.

    Parameters
    ----------
    pixels
        The diameter.
    trust
        How well it fits, 0 to 1.
    wider
        Diameter of other objects, clearly wider, in which the wanted ones may lie; None where there are none.
    """

    pixels: float
    trust: float
    wider: float | None = None


@dataclass(frozen=True, slots=True)
class Scout:
    """Source that is asked how wide the objects of an image are.

    Parameters
    ----------
    own_diameter
        Of the objects that the source was trained on, in its pixels.
    glance, look
        Given a factor, yield for some tiles the source's objects on its own grid, in the tile and in a
        changed copy of it (see `changes`), or None where nobody looked. A glance sees fewer tiles, and a
        changed copy of the first alone.
    source
        Which source it is, where several views of one are asked; of these only the best looks closer.
    """

    own_diameter: float
    glance: Callable[[float], SegmentPairs]
    look: Callable[[float], SegmentPairs]
    source: str = ""

    def trust(self, factor: float, looks: Callable[[float], SegmentPairs]) -> tuple[float, ScaleTrial]:
        """Return how well a scale fits, and what was found at it."""
        trial = try_scale(factor, looks(factor))
        return trial.trust(self.own_diameter), trial


@dataclass(frozen=True, slots=True)
class _Glance:
    """What one of the scouts saw at one scale."""

    trust: float
    number: int
    factor: float
    width: float

    @classmethod
    def of(cls, number: int, scout: Scout, factor: float) -> _Glance:
        trust, trial = scout.trust(factor, scout.glance)
        return cls(trust, number, factor, trial.diameter / trial.factor)


def find_diameter(scouts: Sequence[Scout], *, innermost: bool = False) -> FoundDiameter | None:
    """Return the diameter at the scale that fits one of some sources best; None where none is believed.

    A source for stained tissue says little of fluorescence, and no distance tells which source to ask, as it
    depends on the scale. So all glance at every other scale, and those who trust it most look closer, at the
    scales around. Trusting two more than one costs little, and a glance can be wrong.

    Parameters
    ----------
    scouts
        Whom to ask.
    innermost
        Whether the wanted objects lie within others, as nuclei do in cells: where most sources see objects
        of two kinds, one clearly narrower, those are taken.
    """
    glances = [_Glance.of(number, scout, f) for number, scout in enumerate(scouts) for f in COARSE]
    best = max(glances, key=lambda one: one.trust, default=None)
    narrower = _narrower(glances, best, [scout.source or str(n) for n, scout in enumerate(scouts)])
    if best is None or not innermost or not narrower:
        return _look_closer(scouts, glances)
    found = _look_closer(scouts, narrower)
    return _look_closer(scouts, glances) if found is None else replace(found, wider=best.width)


def _narrower(glances: Sequence[_Glance], best: _Glance | None, sources: Sequence[str]) -> list[_Glance]:
    """Return the glances at clearly narrower objects than the best; none unless most sources see such.

    Debris and grain are seen by a few sources, or with little trust.
    """
    if best is None or best.trust <= 0:
        return []
    narrower = [one for one in glances if one.trust > 0 and one.width * _CLEARLY_NARROWER < best.width]
    seeing = {sources[one.number] for one in narrower if one.trust >= _NEARLY * best.trust}
    return narrower if len(seeing) > len(set(sources)) / 2 else []


def _look_closer(scouts: Sequence[Scout], glances: Sequence[_Glance]) -> FoundDiameter | None:
    """Return the best of what the scouts with the best glances see in a closer look."""
    ordered = sorted(glances, key=lambda one: (one.trust, one.number, one.factor))
    best_of = {one.number: one for one in ordered}
    by_trust = sorted(best_of, key=lambda number: best_of[number].trust, reverse=True)
    asked = _first_of_each([scouts[number].source or number for number in by_trust], by_trust)[:N_ASKED]
    looks = [
        scouts[number].trust(factor, scouts[number].look)
        for number in asked
        if best_of[number].trust > 0
        for factor in _around(best_of[number].factor)
    ]
    trust, best = max(looks, key=lambda one: one[0], default=(0.0, None))
    return None if best is None or trust < LEAST_TRUST else FoundDiameter(best.diameter / best.factor, trust)


def _first_of_each(names: Sequence[object], numbers: Sequence[int]) -> list[int]:
    """Return the first number of each name, in their order."""
    firsts: dict[object, int] = {}
    for name, number in zip(names, numbers, strict=True):
        firsts.setdefault(name, number)
    return list(firsts.values())


def n_trials(n_scouts: int, n_sources: int) -> int:
    """Return how many scales are tried at most by some views of some sources, each of which counts once."""
    return n_scouts * len(COARSE) + min(n_sources, N_ASKED) * 3


def _around(factor: float) -> tuple[float, ...]:
    at = FACTORS.index(factor)
    return FACTORS[max(0, at - 1) : at + 2]


def try_scale(factor: float, looks: SegmentPairs) -> ScaleTrial:
    """Sum up what a source finds at one scale."""
    agreements, found = [], []
    for plain, changed in looks:
        if changed is not None:
            agreements.append(agreement(plain, changed, _FEWEST_IN_TILE))
        found.append(object_diameters(plain))
    widths = np.concatenate([*found, np.empty(0)])
    usual = usual_diameter(widths)
    if usual is None:
        return ScaleTrial(factor, 0.0, 1.0, 0.0, 0)
    spread = float(np.std(np.log(widths)))
    consistency = float(np.mean(agreements)) if agreements else 0.0
    return ScaleTrial(factor, consistency, usual, spread, widths.size)
