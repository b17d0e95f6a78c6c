"""An object that may be wrong, and what is known of a result to find such objects by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log2

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.metrics.contingency import rank
from napari_graft.proofreading.affinity_map import AffinityMap, Borders
from napari_graft.proofreading.object_map import ObjectMap

_MARGIN = 16
_LONGEST = 256
"""Pixels along an axis that are looked at, at most."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One or two objects that may be wrong.

    Parameters
    ----------
    ids
        The object, or the two of which it is asked whether they are one.
    reason
        Name of the reason in `REASONS`.
    words
        What is suspicious, for the person who looks.
    position
        Pixel to look at.
    box
        Box to look at, inside the image.
    score
        By how many bits of VI the result is expected to improve when this is looked at and corrected, were
        all else right: the probability that it is wrong times what it costs where it is.
    seeds
        Clicks with which `split` cuts the object where it is suspicious; none where that is not known.
    """

    ids: tuple[int, ...]
    reason: str
    words: str
    position: tuple[int, ...]
    box: Tile
    score: float
    seeds: tuple[tuple[int, ...], ...] = ()

    @property
    def is_question(self) -> bool:
        """Whether yes or no suffices: whether these two are one object."""
        return len(self.ids) == 2


class ReviewContext:
    """What is known of a result, for the reasons to look at; parts are computed when first asked for.

    Whole arrays in memory: for an image of some 2000 × 2000 pixels or a region of 64 × 256 × 256, in half a
    minute or so.

    Parameters
    ----------
    objects
        The result.
    affinities
        Of the whole image, or None: then the reasons that need them find nothing.
    other, previous
        Objects in the same pixels by another source and of the round before, 0 background, or None.
    """

    def __init__(
        self,
        objects: ObjectMap,
        affinities: AffinityMap | None = None,
        other: NDArray[np.integer] | None = None,
        previous: NDArray[np.integer] | None = None,
    ) -> None:
        shape = objects.labels.shape
        if affinities is not None and affinities.tile != Tile((0,) * len(shape), shape):
            raise InputError(
                f"the affinities at {affinities.tile.start} of shape {affinities.tile.shape} are not those "
                f"of an image of shape {shape}: predict all of it"
            )
        for one in (other, previous):
            if one is not None and one.shape != shape:
                raise InputError(
                    f"objects of shape {one.shape} cannot be compared with those of shape {shape}"
                )
        self.objects = objects
        self.affinities = affinities
        self.other = other
        self.previous = previous

    @cached_property
    def segments(self) -> NDArray[np.integer]:
        """The labels, with 0 where there is no object."""
        labels = self.objects.labels
        return labels if self.objects.first_object == 1 else np.where(labels < 2, 0, labels)

    @cached_property
    def sizes(self) -> dict[int, int]:
        """Pixels of each object, by id."""
        ids, index = rank(self.segments.reshape(-1))
        counts = np.bincount(index, minlength=ids.size)
        return {int(one): int(n) for one, n in zip(ids, counts, strict=True) if one > 0}

    @cached_property
    def borders(self) -> Borders | None:
        """The borders between the objects; None without affinities."""
        return None if self.affinities is None else self.affinities.borders(self.segments)

    def suspect(
        self, ids: Sequence[int], reason: str, words: str, position: Sequence[int], bits: float
    ) -> Suspicion:
        """Return a suspicion.

        Parameters
        ----------
        bits
            Expected gain, in bits times pixels; see `bits_of_cut`.
        """
        at = tuple(int(i) for i in position)
        shape = self.objects.labels.shape
        box = self.objects.box(ids[0]).grow([_MARGIN] * len(at)).clip(shape)
        near = Tile(at, (1,) * len(at)).grow([_LONGEST // 2] * len(at))
        seen = box.intersection(near) or near.clip(shape)
        score = bits / max(1, sum(self.sizes.values()))
        return Suspicion(tuple(int(one) for one in ids), reason, words, at, seen, score)

    def middle(self, object_id: int) -> tuple[int, ...]:
        """Return the pixel of an object that is nearest to its centre."""
        pixels = np.stack(self.objects.positions(object_id), axis=1)
        nearest = pixels[np.argmin(((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1))]
        return tuple(int(i) for i in nearest)


def bits_of_cut(first: int, second: int) -> float:
    """Return what it costs to join two objects wrongly, or to cut one in two, in bits of VI times pixels.

    The conditional entropy of the part given the whole (Meilă 2007, J. Multivariate Anal. 98:873).

    >>> bits_of_cut(8, 8)
    16.0
    """
    both = first + second
    return both * log2(both) - sum(n * log2(n) for n in (first, second) if n)
