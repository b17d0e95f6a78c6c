"""The columns of the table of sources: what each shows, and what it means in plain words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_graft._qt.widgets.source_words import (
    consistency_words,
    few_shot_words,
    license_words,
    pixel_words,
    title_words,
)
from napari_graft.workbench.source_rows import SourceRow


@dataclass(frozen=True, slots=True)
class Column:
    """Description of a column.

    Parameters
    ----------
    title, tip
        What stands above it, and what it means.
    words
        What a cell shows.
    width, narrow_width
        In pixels, in a wide and in a narrow dock.
    sorts_by
        What rows are sorted by, by default what the cell shows.
    is_known
        Whether there is something to show; a column where nothing is known of any row is left out.
    is_lesser
        Whether a narrow dock does without.
    """

    title: str
    tip: str
    words: Callable[[SourceRow], str]
    width: int
    narrow_width: int
    sorts_by: Callable[[SourceRow], float] | None = None
    is_known: Callable[[SourceRow], bool] | None = None
    is_lesser: bool = False

    def sort_value(self, row: SourceRow) -> str | float:
        """Return what a row is sorted by."""
        return self.words(row).lower() if self.sorts_by is None else self.sorts_by(row)


COLUMNS = (
    Column("Source", "A model that was already trained on other images", title_words, 170, 126),
    Column(
        "Fit",
        "How close your image is to the images that the source was trained on.\n"
        "Sort by this column to see the best first: the order also counts what the next columns show.",
        lambda row: row.verdict,
        86,
        86,
        is_known=lambda row: row.is_ranked,
    ),
    Column(
        "Consistency",
        "Whether the source finds the same things again when brightness, contrast\n"
        "and noise of your image change a little. One of low consistency is guessing.",
        consistency_words,
        92,
        78,
        sorts_by=lambda row: -1.0 if row.consistency is None else row.consistency,
        is_known=lambda row: row.consistency is not None,
    ),
    Column(
        "Few shot",
        "The place of the source by how well it finds what you painted on half of your tiles,\n"
        "once its last layer has learned from the other half.\n"
        "Rank again after painting to see it: nothing else here knows what you want to have found.",
        few_shot_words,
        72,
        68,
        sorts_by=lambda row: float("inf") if row.few_shot_place is None else row.few_shot_place[0],
        is_known=lambda row: row.few_shot_place is not None,
    ),
    Column(
        "Pixel size",
        "How large a pixel was in its training; your image is brought to it",
        pixel_words,
        74,
        66,
        sorts_by=lambda row: float("inf") if row.pixel_size is None else row.pixel_size,
    ),
    Column("Licence", "Whether models made from it may be used for anything", license_words, 110, 110),
    Column("Species", "What its training images show", lambda row: row.species, 130, 130, is_lesser=True),
    Column("Instrument", "How they were taken", lambda row: row.instrument, 110, 110, is_lesser=True),
)
FIT, LICENCE = (
    next(i for i, one in enumerate(COLUMNS) if one.title == title) for title in ("Fit", "Licence")
)
