"""What is known of a tile that may be painted, and what is suggested in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.tile import Tile


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A tile that may be suggested, or that is annotated already, with its features.

    Parameters
    ----------
    tile
        Where it is.
    contrast
        How much structure the pixels show; see `napari_graft.acquisition.blank.tile_contrast`.
    uncertainty
        Mean uncertainty of the current model, None before there is one.
    embedding
        Features of the whole tile, float32 (d,), or None.
    patterns
        Semantic patterns of the tile, float32 (k, c), or None; see `napari_graft.acquisition.patterns`.
    foreground
        Share of the tile that the current model takes for foreground, between 0 and 1, None before there is
        one.
    """

    tile: Tile
    _: KW_ONLY
    contrast: float
    uncertainty: float | None = None
    embedding: NDArray[np.float32] | None = None
    patterns: NDArray[np.float32] | None = None
    foreground: float | None = None


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
