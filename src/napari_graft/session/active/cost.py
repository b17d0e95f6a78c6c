"""What painting costs in a project: learned from the tiles that somebody was timed on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from napari_graft.acquisition.painting_cost import PaintingCost, fit_cost, work_of_annotation
from napari_graft.annotation.journal import JournalEntry
from napari_graft.project.project import ACCEPT, Project


def painting_cost(project: Project) -> PaintingCost:
    """Return what painting costs, as far as the tiles tell that were accepted with their time.

    Raises
    ------
    InputError
        If the journal is damaged.
    """
    took = _seconds_by_place(project.journal.entries())
    tiles = project.annotations.labelled_tiles()
    works = [work_of_annotation(one.labels) for one in tiles]
    return fit_cost(works, [took.get((one.tile.start, one.tile.shape), 0.0) for one in tiles])


Place = tuple[tuple[int, ...], tuple[int, ...]]


def _seconds_by_place(entries: Iterable[JournalEntry]) -> dict[Place, float]:
    """Return the seconds painted on each tile in all, by its start and shape."""
    found: dict[Place, float] = {}
    for entry in entries:
        seconds = entry.details.get("seconds")
        if entry.what == ACCEPT and isinstance(seconds, int | float):
            place = _numbers(entry.details.get("start")), _numbers(entry.details.get("shape"))
            found[place] = found.get(place, 0.0) + float(seconds)
    return found


def _numbers(text: object) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", str(text))))
