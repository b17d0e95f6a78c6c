"""What the tab Sources shows: the sources as rows of a table, the axis of their distances, and the rest."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from napari_graft.fingerprints.source_map import SourceMap
from napari_graft.project.documents import RankedEntry, StoredRanking
from napari_graft.scorers.outlook import Outlook
from napari_graft.sources.card import SourceCard
from napari_graft.sources.source import id_without_view
from napari_graft.workbench.compare.comparison import Comparison

NOT_RANKED = "not ranked yet"
"""Verdict on a source before the ranking."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Row of the table of sources.

    Parameters
    ----------
    id, title, structure, species, instrument, license, research_only
        See `SourceCard`.
    pixel_size
        Nanometres along y that it was trained at, None where it is used at any scale.
    verdict
        How close the image is to its training images, in words.
    z, p_value
        The same in numbers, None before the ranking and without a fingerprint; see `Distance`.
    consistency
        Agreement of its objects with those in slightly changed copies of the image, 0 to 1.
    few_shot_place
        Its place, 1 the best, and of how many, by the score of its objects on the annotated tiles; None
        before a tile is annotated.
    combined
        Combined rank, 0 the best to 1 the last; None before the ranking. See `combined_ranks`.
    z_after_remedy
        z after what may bring the image closer, None where nothing does.
    is_ranked
        Whether it has a place in the ranking.
    is_weak
        Whether it does poorly even on images of its own kind; see `SourceCard`.
    """

    id: str
    title: str
    structure: str
    species: str
    instrument: str
    pixel_size: float | None
    license: str
    research_only: bool
    verdict: str = NOT_RANKED
    z: float | None = None
    p_value: float | None = None
    consistency: float | None = None
    few_shot_place: tuple[int, int] | None = None
    combined: float | None = None
    z_after_remedy: float | None = None
    is_ranked: bool = False
    is_weak: bool = False


def rows_of(cards: Sequence[SourceCard], ranking: StoredRanking, wanted: str | None) -> tuple[SourceRow, ...]:
    """Return the ranked sources, best first, then those that were not ranked; the ancestor is no source.

    Of those that were not ranked, the ones that find what is wanted come first. Sources that were left out of
    the ranking, because they were trained on the image or do not suit it, do not appear.
    """
    on_tiles = sorted(one.few_shot for one in ranking.entries if one.few_shot is not None)[::-1]
    ranked = [_row_of_entry(entry, on_tiles) for entry in ranking.entries]
    known = {id_without_view(row.id) for row in ranked} | {*ranking.left_out, *ranking.unsuited}
    others = [_row_of_card(card) for card in cards if card.structure != "any" and card.id not in known]
    return (*ranked, *sorted(others, key=lambda row: row.structure != wanted))


def fold_others(
    rows: Sequence[SourceRow], wanted: str | None, kept: Collection[str]
) -> tuple[tuple[SourceRow, ...], int]:
    """Return the rows of sources for what is wanted, and how many others are folded away.

    Nothing is folded where nobody has said what is wanted, or no source is for it.

    Parameters
    ----------
    kept
        Ids of sources that stay in sight in any case.
    """
    if wanted is None or not any(row.structure == wanted for row in rows):
        return tuple(rows), 0
    shown = tuple(row for row in rows if row.structure == wanted or row.id in kept)
    return shown, len(rows) - len(shown)


def row_to_point_at(before: Sequence[SourceRow], now: Sequence[SourceRow], pointed: str | None) -> str | None:
    """Return the id of the row to point at in a list that has changed, None where it is empty.

    It stays the one that was pointed at where rows were only added or taken away. In another order, or after
    a ranking, nobody has chosen that place, and it is the first.
    """
    shared = {row.id for row in before} & {row.id for row in now}

    def order(rows: Sequence[SourceRow]) -> list[tuple[str, bool]]:
        """Return what must not have changed."""
        return [(row.id, row.is_ranked) for row in rows if row.id in shared]

    if pointed in shared and order(before) == order(now):
        return pointed
    return now[0].id if now else None


def _row_of_entry(entry: RankedEntry, on_tiles: Sequence[float]) -> SourceRow:
    return SourceRow(
        entry.source,
        entry.title,
        entry.structure,
        entry.species,
        entry.instrument,
        _size(entry.pixel_size),
        entry.license,
        entry.research_only,
        entry.verdict if entry.same_structure else f"finds {entry.structure}",
        entry.z,
        entry.p_value,
        entry.consistency,
        None if entry.few_shot is None else (1 + on_tiles.index(entry.few_shot), len(on_tiles)),
        entry.combined,
        entry.z_after_remedy,
        is_ranked=True,
        is_weak=entry.is_weak,
    )


def _row_of_card(card: SourceCard) -> SourceRow:
    return SourceRow(
        card.id,
        card.title,
        card.structure,
        card.species,
        card.instrument,
        _size(card.pixel_size),
        card.license,
        card.research_only,
        is_weak=card.is_weak,
    )


def _size(pixel_size: Sequence[float] | None) -> float | None:
    return None if pixel_size is None else pixel_size[-2]


NULL_BAND = 2.0
"""Distances up to this many deviations are what chance explains."""
_LOG_FROM = 30.0
_LINEAR_SHARE = 0.7
"""Length of the linear part, from 0 to `NULL_BAND`, in decades."""


@dataclass(frozen=True, slots=True)
class DistanceAxis:
    """Axis of distances.

    Parameters
    ----------
    is_logarithmic
        Whether what lies beyond chance is on a logarithmic scale.
    low, high
        Smallest and largest distance that the axis shows.
    ticks
        Distances to mark.
    """

    is_logarithmic: bool
    low: float
    high: float
    ticks: tuple[float, ...]

    def position(self, z: float) -> float:
        """Return where on the axis a distance lies."""
        if not self.is_logarithmic:
            return z
        if abs(z) <= NULL_BAND:
            return _LINEAR_SHARE * z / NULL_BAND
        return math.copysign(_LINEAR_SHARE + math.log10(abs(z) / NULL_BAND), z)


def distance_axis(values: Sequence[float]) -> DistanceAxis:
    """Return an axis that shows chance and all finite values, logarithmic beyond it where one is large."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min([-NULL_BAND, *finite]), max([NULL_BAND, *finite])
    if max(-low, high) > _LOG_FROM:
        low, high = 1.6 * low, 1.6 * high
        decades = [sign * 10.0**n for n in range(1, 8) for sign in (-1, 1)]
        marks = [0.0, -NULL_BAND, NULL_BAND, *decades]
        return DistanceAxis(True, low, high, tuple(sorted(one for one in marks if low <= one <= high)))
    low, high = low - 0.5, high + 0.5
    step = 5 if high <= 16 else 10
    marks = [-NULL_BAND, NULL_BAND, *(float(one) for one in range(0, math.ceil(high), step))]
    return DistanceAxis(False, low, high, tuple(sorted(set(marks))))


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
