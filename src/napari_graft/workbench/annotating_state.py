"""What the tab Annotate shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from napari_graft.core.tile import Tile
from napari_graft.jobs.suggest import CandidateTile
from napari_graft.project.queue import TileQueue
from napari_graft.workbench.painting import TilePainting

AT_ONCE = 4
"""Tiles that are suggested at a time: as many make a round of training worth its time."""
DEFAULT_BUDGET = 8


@dataclass(slots=True, weakref_slot=True)
class AnnotatingState:
    """State of the tab Annotate.

    Parameters
    ----------
    budget
        How many tiles the user means to paint in all.
    queue
        The tiles to go through.
    candidates
        The tiles among which was chosen last.
    current
        The tile that the user went to.
    painting
        What is open for painting; it follows `current` once that is read.
    is_sparse
        Whether strokes are painted rather than whole tiles.
    shows_guess, shows_uncertainty, shows_candidates
        What is drawn over the image.
    n_forgotten
        Unlabelled pixels of a tile that is to be accepted as whole, 0 where there is no question.
    can_take_back
        Whether the last change of the whole tile can be undone.
    is_suggesting, is_saving
        Whether tiles are being suggested, and a tile is being accepted.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    budget: int = DEFAULT_BUDGET
    queue: TileQueue = field(default_factory=TileQueue)
    candidates: tuple[CandidateTile, ...] = ()
    current: Tile | None = None
    painting: TilePainting | None = None
    is_sparse: bool = False
    shows_guess: bool = True
    shows_uncertainty: bool = False
    shows_candidates: bool = False
    n_forgotten: int = 0
    can_take_back: bool = False
    is_suggesting: bool = False
    is_saving: bool = False

    @property
    def n_to_suggest(self) -> int:
        """How many tiles the next suggestion asks for, 0 where the budget is used up."""
        waiting = sum(queued.state in ("to do", "unsure") for queued in self.queue.tiles)
        return max(0, min(AT_ONCE, self.budget - self.queue.n_done - waiting))
