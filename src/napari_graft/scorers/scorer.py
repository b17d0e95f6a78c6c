"""What a scorer is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_graft.scorers.sighting import ScoringContext


@dataclass(frozen=True, slots=True)
class Scorer:
    """Measure of how well a source suits a target.

    Parameters
    ----------
    title
        What people call it.
    measure
        Returns a number, higher for a better source; None where it cannot be measured.
    is_combined
        Whether it has a say in the order of the sources; the others are there to be compared with.
    reads_labels
        Whether it looks at what is annotated.
    """

    title: str
    measure: Callable[[ScoringContext], float | None]
    is_combined: bool = True
    reads_labels: bool = False
