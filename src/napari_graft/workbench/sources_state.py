"""What the tab Sources shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from napari_graft.fingerprints.source_map import SourceMap
from napari_graft.project.ranking import RankedEntry
from napari_graft.scorers.outlook import Outlook
from napari_graft.workbench.comparison import Comparison
from napari_graft.workbench.source_rows import SourceRow


@dataclass(slots=True, weakref_slot=True)
class SourcesState:
    """State of the tab Sources.

    Parameters
    ----------
    rows
        The sources, best first once they are ranked.
    shown, n_folded
        The rows in sight, and how many of other structures are folded away.
    shows_others
        Whether those are to be in sight as well.
    ticked
        Ids of those to preview.
    is_ranked, is_ranking, is_previewing
        How far the work is.
    left_out
        Titles of the sources that were trained on the image and therefore not ranked.
    unsuited
        Title of each 3-D source that was not ranked, and why the image has not the depth for it.
    outlook
        What to expect of the best source untouched, None before the ranking and once tiles are painted.
    advised
        The best source that comes with advice, such as to smooth the image; None where there is none.
    chosen
        Id of the source to start from, None before one was chosen.
    preview
        What the ticked ones make of a tile, None while that is not shown.
    source_map
        The ranked sources and the image, None where they could not be mapped.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    rows: tuple[SourceRow, ...] = ()
    shown: tuple[SourceRow, ...] = ()
    n_folded: int = 0
    shows_others: bool = False
    ticked: frozenset[str] = frozenset()
    is_ranked: bool = False
    is_ranking: bool = False
    is_previewing: bool = False
    left_out: tuple[str, ...] = ()
    unsuited: tuple[tuple[str, str], ...] = ()
    outlook: Outlook | None = None
    advised: RankedEntry | None = None
    chosen: str | None = None
    preview: Comparison | None = None
    source_map: SourceMap | None = None
