"""Tiles that may be painted: what is known of each, what a strategy needs, and which are still free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile


@dataclass(frozen=True, slots=True)
class PaintingWork:
    """What there is to paint on a tile.

    Parameters
    ----------
    n_objects
        Objects.
    border
        Pairs of neighbouring pixels of which one belongs to an object and the other to something else.
    """

    n_objects: int
    border: int


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A tile that may be suggested, or that is annotated already, with its features.

    Parameters
    ----------
    tile
        Where it is.
    contrast
        How much structure the pixels show; see `napari_graft.acquisition.tiles.tile_contrast`.
    uncertainty
        Mean uncertainty of the current model, None before there is one.
    embedding
        Features of the whole tile, float32 (d,), or None.
    patterns
        Semantic patterns of the tile, float32 (k, c), or None; see `napari_graft.acquisition.tiles`.
    foreground
        Share of the tile that the current model takes for foreground, between 0 and 1, None before there is
        one.
    work
        What a model expects to be painted on it, None before there is one.
    """

    tile: Tile
    _: KW_ONLY
    contrast: float
    uncertainty: float | None = None
    embedding: NDArray[np.float32] | None = None
    patterns: NDArray[np.float32] | None = None
    foreground: float | None = None
    work: PaintingWork | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tile proposed for annotation, with its score and the reason.

    Parameters
    ----------
    tile
        Where it is.
    score
        What the strategy went by; larger means more of it, and strategies are not comparable.
    reason
        Why this tile, in words for the person who paints it.
    """

    tile: Tile
    score: float
    reason: str


class Strategy(Protocol):
    """Acquisition strategy: chooses the tiles to annotate next."""

    def select(
        self,
        candidates: Sequence[Candidate],
        n: int,
        rng: np.random.Generator,
        *,
        annotated: Sequence[Candidate] = (),
    ) -> list[Suggestion]:
        """Return up to `n` suggestions, the first to be painted first.

        No suggestion overlaps another or an annotated tile; there are fewer than `n` where no more candidates
        are free. Equal candidates are chosen between at random.

        Raises
        ------
        InputError
            If `n` is negative, or if candidates lack what the strategy goes by.
        """
        ...


class AvailableTiles:
    """Candidates that may still be chosen: those that overlap no annotated and no chosen tile.

    Parameters
    ----------
    candidates, annotated
        As in `Strategy.select`.
    gap
        Slices that are to lie between two tiles at the same place of different slices, for as long as there
        are others; see `slice_gap`.
    """

    def __init__(self, candidates: Sequence[Candidate], annotated: Sequence[Candidate], gap: int = 0) -> None:
        self._start = np.array([candidate.tile.start for candidate in candidates])
        self._stop = np.array([candidate.tile.stop for candidate in candidates])
        self._gap = gap
        self._is_free = np.ones(len(candidates), bool)
        self._is_apart = np.ones(len(candidates), bool)
        for candidate in annotated:
            self.close(candidate.tile)

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """One boolean for each candidate, bool (n,)."""
        apart = self._is_free & self._is_apart
        return apart if apart.any() else self._is_free

    def close(self, tile: Tile) -> None:
        """Rule out every candidate that overlaps `tile`, and put off those that lie too near along z."""
        if not self._is_free.size:
            return
        self._is_free &= ~self._overlaps(tile)
        if self._gap:
            self._is_apart &= ~self._overlaps(tile.grow((self._gap, *(0,) * (tile.ndim - 1))))

    def _overlaps(self, tile: Tile) -> NDArray[np.bool_]:
        return np.asarray(((self._start < tile.stop) & (self._stop > tile.start)).all(axis=1))

    def indices(self) -> NDArray[np.intp]:
        """Return the numbers of the candidates that are still open, ascending."""
        return np.flatnonzero(self.is_open)


OBJECTS_ACROSS = 8
"""Diameters of an object that fit along a tile, as a tile is usually chosen."""


def slice_gap(candidates: Sequence[Candidate], n: int) -> int:
    """Return how many slices are to lie between two tiles at the same place of a stack, 0 for a 2-D image.

    That is about the diameter of an object, an eighth of a tile: within it two slices show the same objects.
    It is at most half of what lies between `n` tiles that are spread evenly, so that short stacks suffice.
    """
    if not candidates or n < 1 or candidates[0].tile.ndim < 3:
        return 0
    slices = [candidate.tile.start[0] for candidate in candidates]
    depth = max(slices) - min(slices)
    return min(candidates[0].tile.shape[-1] // OBJECTS_ACROSS, depth // (2 * n))


def take_in_order(
    candidates: Sequence[Candidate],
    order: NDArray[np.intp],
    n: int,
    annotated: Sequence[Candidate],
) -> list[int]:
    """Return the first `n` candidates of `order` that are still open when their turn comes."""
    check_number(n)
    available = AvailableTiles(candidates, annotated)
    taken: list[int] = []
    for index in order:
        if len(taken) == n:
            break
        if available.is_open[index]:
            taken.append(int(index))
            available.close(candidates[index].tile)
    return taken


def shuffled_order(cost: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the indices by rising cost, with equal costs in random order."""
    return np.lexsort((rng.random(cost.size), cost))


def check_number(n: int) -> None:
    """Refuse a negative number of suggestions."""
    if n < 0:
        raise InputError(f"cannot suggest {n} tiles: ask for 0 or more")


_REMEDIES = {
    "uncertainty": "predict them with a model first, or choose 'freesel' or 'random'",
    "foreground": "predict all of them with a model, or none",
    "embedding": "compute their features first, or choose 'random'",
    "patterns": "compute their semantic patterns first, or choose 'random'",
}


def required_numbers(
    candidates: Sequence[Candidate], name: Literal["uncertainty", "foreground"]
) -> NDArray[np.float64]:
    """Return that number of every candidate, float64 (n,).

    Raises
    ------
    InputError
        If a candidate lacks it, or it is not finite.
    """
    return np.array(_required(candidates, name), np.float64)


def required_features(
    candidates: Sequence[Candidate], name: Literal["embedding", "patterns"]
) -> list[NDArray[np.float64]]:
    """Return those features of every candidate, each float64 (k, c); an embedding is one row.

    Raises
    ------
    InputError
        If a candidate lacks them, they are not finite, or they come from different networks.
    """
    features = [np.atleast_2d(value).astype(np.float64) for value in _required(candidates, name)]
    widths = sorted({value.shape[1] for value in features})
    if len(widths) > 1:
        raise InputError(
            f"tiles have {name} of {widths[0]} and of {widths[-1]} numbers: compute all with one network"
        )
    return features


def _required(candidates: Sequence[Candidate], name: str) -> list[Any]:
    values = [getattr(candidate, name) for candidate in candidates]
    missing = [candidate for candidate, value in zip(candidates, values, strict=True) if value is None]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(candidates)} tiles have no {name}, the first at "
            f"{missing[0].tile.start}: {_REMEDIES[name]}"
        )
    for candidate, value in zip(candidates, values, strict=True):
        if not np.isfinite(value).all():
            raise InputError(
                f"{name} of the tile at {candidate.tile.start} is not finite: check the image and the model"
            )
    return values
