"""A new object by a click, from small to large."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.proofreading.affinity_map import AffinityMap, Borders
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap

Bonds = Mapping[int, Sequence[tuple[int, float, int]]]
"""Of each basin its neighbours, the sum of the affinities to each, and how many these are."""

_LEAST_AFFINITY = 0.05
"""To what is bound more weakly an object never grows."""
_PROBABLE = 0.5
_LEAST_STEP = 1.2
"""By how much each level is larger than the one before it; the last may be less."""

_MISSED = 3
"""Pixels by which a click may miss what it is for."""


@dataclass(frozen=True, slots=True, eq=False)
class Basins:
    """Small regions that belong together, and how strongly neighbours are bound: what objects grow of.

    Parameters
    ----------
    tile
        The box of the image.
    regions
        (*tile.shape), 1…; 0 where a border is.
    bonds
        See `Bonds`.
    """

    tile: Tile
    regions: NDArray[np.int32]
    bonds: Bonds

    @classmethod
    def from_affinities(cls, affinities: AffinityMap) -> Basins:
        """Return the basins of a region (`AffinityMap.basins`).

        It takes some three times as long as the watershed alone, and serves any number of clicks.
        """
        regions = affinities.basins(affinities.nearest() >= _PROBABLE)
        return cls(affinities.tile, regions, _bonds(affinities.borders(regions)))


@dataclass(frozen=True, slots=True, eq=False)
class Growth:
    """Growth of an object around a click: each level holds the one before it.

    Parameters
    ----------
    objects
        What it grows among.
    position
        The click, or the pixel beside it where the object begins.
    box
        The box of the image that it may grow in.
    levels
        (*box.shape) int64, the level at which each pixel comes in, -1 for never.
    affinities
        (n_levels,) float64, falling: how strongly the weakest part of each level is bound to the rest.
    """

    objects: ObjectMap
    position: tuple[int, ...]
    box: Tile
    levels: NDArray[np.int64]
    affinities: NDArray[np.float64]

    @property
    def n_levels(self) -> int:
        """Number of levels, at least 1."""
        return self.affinities.size

    @property
    def start_level(self) -> int:
        """The level to begin with: the largest whose parts rather belong together than not."""
        return max(int(np.count_nonzero(self.affinities >= _PROBABLE)) - 1, 0)

    def edit(self, level: int) -> Edit:
        """Return the edit that makes the object, in one piece and under a new id.

        A level beyond either end is that end.
        """
        from scipy.ndimage import label

        level = min(max(level, 0), self.n_levels - 1)
        pieces = label((self.levels >= 0) & (self.levels <= level))[0]
        here = tuple(at - start for at, start in zip(self.position, self.box.start, strict=True))
        inside = np.nonzero(pieces == pieces[here])
        positions = [axis + start for axis, start in zip(inside, self.box.start, strict=True)]
        before = self.objects.labels[self.box.slices][inside]
        return Edit.from_pixels("grow", positions, before, self.objects.new_ids(1)[0])


def grow(objects: ObjectMap, basins: Basins, position: Sequence[int]) -> Growth:
    """Return how an object grows around a click where there is none, into what belongs to no object.

    It begins with the basin of the click, or one close by. Next comes the basin whose affinity to all that is
    in already, the mean over all pairs of pixels, is largest; a level ends where this affinity falls. Basins
    that other objects hold for the most part stay out.

    Parameters
    ----------
    basins
        Of a box around the click, which the object does not leave.
    position
        The click, a pixel in the image.

    Raises
    ------
    InputError
        If it is outside the box, on an object, or on a broad border.
    """
    box = basins.tile.clip(objects.labels.shape)
    click = tuple(int(at) for at in position)
    here = tuple(at - start for at, start in zip(click, box.start, strict=True))
    if not all(0 <= at < n for at, n in zip(here, box.shape, strict=True)):
        raise InputError(f"the affinities at {box.start} of shape {box.shape} do not hold {click}")
    is_free = objects.is_free(box)
    if not is_free[here]:
        raise InputError(f"object {objects.id_at(click)} is at {click}: click beside it")
    regions = basins.regions[box.shift([-a for a in basins.tile.start]).slices]
    here = _nearest(regions * is_free, here)
    click = tuple(at + start for at, start in zip(here, box.start, strict=True))
    sizes, free = (np.bincount(one.reshape(-1)) for one in (regions, regions * is_free))
    free = np.append(free, np.zeros(sizes.size - free.size, np.int64))
    came, strengths = _order(basins.bonds, int(regions[here]), np.flatnonzero(2 * free < sizes))
    ends = _level_ends(np.cumsum(free[came]), strengths)
    levels = np.full(sizes.size, -1, np.int64)
    levels[came] = np.searchsorted(ends, np.arange(came.size))
    weakest = np.minimum.accumulate(strengths)[ends]
    return Growth(objects, click, box, np.where(is_free, levels[regions], -1), weakest)


def _nearest(regions: NDArray[np.integer], here: tuple[int, ...]) -> tuple[int, ...]:
    """Return the pixel of a region that is nearest to a click: a border is easily hit."""
    start = [max(at - _MISSED, 0) for at in here]
    window = regions[tuple(slice(a, at + _MISSED + 1) for a, at in zip(start, here, strict=True))]
    pixels = np.argwhere(window) + start
    if not pixels.size:
        raise InputError("the model sees a border there: click inside an object")
    return tuple(pixels[np.argmin(((pixels - here) ** 2).sum(axis=1))].tolist())


def _bonds(borders: Borders) -> Bonds:
    bonds: dict[int, list[tuple[int, float, int]]] = defaultdict(list)
    sums = (borders.affinity * borders.counts).tolist()
    for (a, b), total, count in zip(borders.pairs.tolist(), sums, borders.counts.tolist(), strict=True):
        bonds[a].append((b, total, count))
        bonds[b].append((a, total, count))
    return dict(bonds)


def _order(
    bonds: Bonds, first: int, barred: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the basins in the order in which they join the first, and how strongly each was bound.

    Parameters
    ----------
    barred
        Basins that may not come.
    """
    came, strengths = [first], [1.0]
    closed = {first, *barred.tolist()}
    known: dict[int, tuple[float, int]] = {}
    waiting: list[tuple[float, int, int]] = []
    current = first
    while True:
        for other, total, count in bonds.get(current, ()):
            if other not in closed:
                total_before, count_before = known.get(other, (0.0, 0))
                known[other] = total_before + total, count_before + count
                heapq.heappush(waiting, (-known[other][0] / known[other][1], other, known[other][1]))
        while waiting and (waiting[0][1] in closed or known[waiting[0][1]][1] != waiting[0][2]):
            heapq.heappop(waiting)  # it has come, or more is known of it by now
        if not waiting or -waiting[0][0] < _LEAST_AFFINITY:
            return np.array(came), np.array(strengths)
        minus, current, _ = heapq.heappop(waiting)
        closed.add(current)
        came.append(current)
        strengths.append(-minus)


def _level_ends(sizes: NDArray[np.integer], strengths: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the last basin of each level, (n_levels,), rising.

    Parameters
    ----------
    sizes
        Pixels of the object after each basin came.
    strengths
        How strongly each was bound.
    """
    weakest = np.minimum.accumulate(strengths)
    falls = np.flatnonzero(np.append(weakest[1:] < weakest[:-1], True)).tolist()
    ends = [falls[0]]
    for end in falls[1:]:
        if sizes[end] >= _LEAST_STEP * sizes[ends[-1]]:
            ends.append(end)
    return np.array(ends if ends[-1] == falls[-1] else [*ends, falls[-1]])
