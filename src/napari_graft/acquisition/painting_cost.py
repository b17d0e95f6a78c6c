"""What it costs to paint a tile: its objects, the length of their borders, and the seconds that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.optimize import nnls

from napari_graft.acquisition.candidates import Candidate, PaintingWork, Strategy, Suggestion
from napari_graft.core.labels import FIRST_OBJECT


def work_of_objects(objects: NDArray[np.integer]) -> PaintingWork:
    """Return what there is to paint where the objects are known: 0 background, 1… objects."""
    border = 0
    for axis in range(objects.ndim):
        here, there = np.delete(objects, -1, axis), np.delete(objects, 0, axis)
        border += int(np.count_nonzero((here != there) & ((here > 0) | (there > 0))))
    return PaintingWork(int(np.count_nonzero(np.unique(objects))), border)


def work_of_annotation(annotation: NDArray[np.integer]) -> PaintingWork:
    """Return what was painted on a tile: 0 unlabelled, 1 background, 2… objects."""
    return work_of_objects(np.where(annotation >= FIRST_OBJECT, annotation, 0))


def predicted_work(foreground: NDArray[np.float32], attraction: NDArray[np.float32]) -> PaintingWork:
    """Return what a model expects to be painted: connected pixels that it does not part are an object.

    That is rough, and takes a hundredth of the time of decoding.

    Parameters
    ----------
    foreground
        Probability that a pixel belongs to an object, (*s).
    attraction
        Affinities of the nearest neighbours, (n, *s).
    """
    inside = (foreground > 0.5) & (attraction > 0.5).all(axis=0)
    return work_of_objects(label(inside)[0])


_PRIOR_WEIGHT = 2.0
"""So many timed tiles weigh as much as what is taken for granted before any."""


@dataclass(frozen=True, slots=True)
class PaintingCost:
    """Seconds that a person needs for a tile, as a sum over what there is to paint.

    Parameters
    ----------
    per_tile, per_object, per_border
        Seconds for a tile, for each of its objects, and for each pixel of their borders.
    n_timed
        Tiles that were timed for it.
    """

    per_tile: float = 15.0
    per_object: float = 5.0
    per_border: float = 0.03
    n_timed: int = 0

    def seconds(self, work: PaintingWork) -> float:
        """Return the seconds that a tile is expected to take."""
        return self.per_tile + self.per_object * work.n_objects + self.per_border * work.border


def fit_cost(works: Sequence[PaintingWork], seconds: Sequence[float]) -> PaintingCost:
    """Return the cost that explains how long tiles took; with few of them it stays near the usual one.

    Least squares of the relative errors with costs that are not negative (Lawson and Hanson, Solving least
    squares problems, 1974), and with the usual costs as if `_PRIOR_WEIGHT` tiles had said each of them.

    Parameters
    ----------
    works, seconds
        Of tiles that were timed; those with 0 seconds were not.
    """
    usual = PaintingCost()
    timed = [(work, took) for work, took in zip(works, seconds, strict=True) if took > 0]
    known = np.array([usual.per_tile, usual.per_object, usual.per_border])
    rows = [np.array([1.0, work.n_objects, work.border]) / took for work, took in timed]
    prior = np.sqrt(_PRIOR_WEIGHT / 3) * np.diag(1 / known)
    wanted = np.concatenate([np.ones(len(rows)), np.full(3, np.sqrt(_PRIOR_WEIGHT / 3))])
    found, _ = nnls(np.vstack([*rows, prior]), wanted)
    per_tile, per_object, per_border = (float(value) for value in found)
    return PaintingCost(per_tile, per_object, per_border, len(timed))


SHORTLIST = 2
"""So many times the wanted tiles are proposed by a strategy, before the cost decides between them."""


def select_by_cost(
    strategy: Strategy,
    candidates: Sequence[Candidate],
    n: int,
    rng: np.random.Generator,
    *,
    annotated: Sequence[Candidate],
    cost: PaintingCost,
) -> list[Suggestion]:
    """Return the tiles of a strategy that take the least time for each object that a model expects in them.

    The strategy proposes twice as many as are wanted; its order stays. Where no model has looked, its first
    ones are taken.
    """
    shortlist = strategy.select(candidates, SHORTLIST * n, rng, annotated=annotated)
    works = {candidate.tile: candidate.work for candidate in candidates}
    expected = [works[one.tile] for one in shortlist]
    known = [(i, work) for i, work in enumerate(expected) if work is not None]
    if len(known) < len(shortlist):
        return shortlist[:n]
    price = np.array([cost.seconds(work) / max(1, work.n_objects) for _, work in known])
    cheapest = sorted(np.argsort(price, kind="stable")[:n])
    return [_with_cost(shortlist[i], cost.seconds(known[i][1])) for i in cheapest]


def _with_cost(suggestion: Suggestion, seconds: float) -> Suggestion:
    minutes = max(1, round(seconds / 60))
    words = "a minute" if minutes == 1 else f"{minutes} minutes"
    return replace(suggestion, reason=f"{suggestion.reason}; about {words} to paint")
