from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from napari_graft.annotation.journal import Journal, JournalEntry
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.tile import Tile
from napari_graft.project.image_file import ImageChoice
from napari_graft.project.opening import create_project, open_project
from napari_graft.project.project import painted_seconds

Paint = Callable[..., LabelledTile]


def test_a_draft_is_there_after_reopening_until_its_tile_is_accepted(folder: Path, paint: Paint) -> None:
    tile, other = paint((0, 0), 3), paint((20, 0), 4)
    with open_project(folder, write=True) as project:
        assert project.drafts() == []
        for one in (tile, other):
            project.draft(one.tile).append(one.labels)

    with open_project(folder, write=True) as project:
        assert project.drafts() == [tile.tile, other.tile]
        np.testing.assert_array_equal(project.draft(tile.tile).restore(), tile.labels)
        project.accept(tile, who="ada")
        assert project.drafts() == [other.tile]
        assert project.draft(tile.tile).restore() is None

        project.draft(tile.tile).append(tile.labels)
        np.testing.assert_array_equal(project.draft(tile.tile).restore(), tile.labels)


def test_a_tile_that_could_not_be_stored_keeps_its_draft(small_disk: Path, image: Path) -> None:
    noise = np.random.default_rng(0).integers(1, 2**32, (40, 80), np.uint32)
    tile = LabelledTile(Tile((20, 0), (40, 80)), noise)
    with create_project(small_disk / "p.graft", ImageChoice(str(image))) as project:
        project.draft(tile.tile).append(noise)
        (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free - 4096))
        with pytest.raises(StorageError, match="full"):
            project.accept(tile, who="ada")

        np.testing.assert_array_equal(project.draft(tile.tile).restore(), noise)


def test_a_tile_that_is_refused_keeps_its_draft(folder: Path, paint: Paint) -> None:
    with open_project(folder, write=True) as project:
        project.accept(paint((0, 0)), who="ada")
        overlapping = paint((10, 10))
        project.draft(overlapping.tile).append(overlapping.labels)

        with pytest.raises(InputError, match="overlaps"):
            project.accept(overlapping, who="ada")
        for seconds in (-1.0, float("nan"), float("inf")):
            with pytest.raises(InputError, match="seconds"):
                project.accept(paint((40, 40)), who="ada", seconds=seconds)

        assert project.drafts() == [overlapping.tile]
        assert len(project.annotations.tiles()) == 1


def test_a_reader_can_look_at_drafts(folder: Path, paint: Paint) -> None:
    tile = paint((0, 0), 3)
    with open_project(folder, write=True) as project:
        project.draft(tile.tile).append(tile.labels)

    draft = open_project(folder).draft(tile.tile)
    np.testing.assert_array_equal(draft.restore(), tile.labels)
    with pytest.raises(InputError, match="open for reading"):
        draft.append(tile.labels + 1)


def test_the_time_painted_adds_up_over_tiles_and_repainting(folder: Path, paint: Paint) -> None:
    with open_project(folder, write=True) as project:
        assert project.painted_seconds() == 0
        project.accept(paint((0, 0)), who="ada", seconds=90.25)
        project.accept(paint((0, 0), 2), who="ada", seconds=30)
        project.accept(paint((20, 0)), who="import")

    assert open_project(folder).painted_seconds() == pytest.approx(120.2)


def test_entries_of_the_first_version_and_other_kinds_count_no_time() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    entries = [
        JournalEntry(who="a", what="accept tile", when=noon, details={"start": "(0, 0)"}),
        JournalEntry(who="a", what="accept tile", when=noon, details={"seconds": 5.0}),
        JournalEntry(who="a", what="vote", when=noon, details={"seconds": 7.0}),
        JournalEntry(who="a", what="accept tile", when=noon + timedelta(hours=1), details={"seconds": 20}),
    ]

    assert painted_seconds(entries) == 25
    assert painted_seconds(entries, until=noon) == 5


def test_votes_come_back(folder: Path) -> None:
    tile = Tile((0, 20), (20, 20))
    with open_project(folder, write=True) as project:
        project.vote("run 0002", ["fly", "run 0001"], tile, "ada")
        project.vote("fly", ("mouse, old",), tile, "bob")

    first, second = open_project(folder).votes()
    assert (first.winner, first.others, first.tile, first.who) == (
        "run 0002",
        ("fly", "run 0001"),
        tile,
        "ada",
    )
    assert second.others == ("mouse, old",)
    assert first.when is not None
    assert first.when <= datetime.now(UTC)


@pytest.mark.parametrize("others", [[], ["fly"]])
def test_a_vote_against_nobody_is_refused(folder: Path, others: list[str]) -> None:
    with open_project(folder, write=True) as project:
        with pytest.raises(InputError, match="decides nothing"):
            project.vote("fly", others, Tile((0, 0), (20, 20)), "ada")
        assert project.votes() == []


@pytest.mark.parametrize(
    "details", [{}, {"winner": "fly", "others": "mouse", "start": "[0]", "shape": "[1]"}]
)
def test_a_damaged_vote_is_told(folder: Path, details: dict[str, str]) -> None:
    Journal(folder / "journal.jsonl").append(JournalEntry(who="ada", what="vote", details=details))

    project = open_project(folder)
    assert project.votes() == []
    assert "vote of ada" in project.notes[0]
