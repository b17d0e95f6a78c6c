from __future__ import annotations

from pathlib import Path

import pytest

from napari_graft.core.errors import InputError
from napari_graft.project.documents import RankedEntry, StoredRanking
from napari_graft.project.opening import open_project


def entry(source: str, **more: object) -> RankedEntry:
    fields = {"source": source, "title": source.title(), "structure": "neurites", "z": 2.5, "p_value": 0.03}
    return RankedEntry.model_validate(fields | {"verdict": "near"} | more)


def test_ranking_is_there_after_reopening(folder: Path) -> None:
    ranking = StoredRanking(
        entries=(
            entry("fly", pixel_size=(4.0, 4.0)),
            entry("mouse", z=float("inf"), remedy="invert the image"),
        ),
        left_out=("rat",),
        chosen="fly",
    )
    with open_project(folder, write=True) as project:
        assert project.ranking() == StoredRanking()
        project.store_ranking(ranking)

    with open_project(folder) as project:
        assert project.ranking() == ranking
        with pytest.raises(InputError, match="open for reading"):
            project.store_ranking(ranking)


def test_entries_of_the_worker_may_hold_more() -> None:
    assert entry("fly", of_a_later_version=0.1, few_shot=None, consistency=None) == entry("fly")


def test_damaged_ranking_is_a_note_that_names_its_file(folder: Path) -> None:
    (folder / "ranking.json").write_text("{")

    with open_project(folder) as project:
        assert project.ranking() == StoredRanking()
        assert "ranking.json" in project.notes[0]


def test_advice_counts_only_for_the_wanted_structure() -> None:
    nuclei = entry("nuclei", same_structure=False, remedy="invert the image")
    fly = entry("fly", remedy="invert the image")

    assert StoredRanking(entries=(entry("mouse"), nuclei)).advised is None
    assert StoredRanking(entries=(entry("mouse"), nuclei, fly)).advised == fly
