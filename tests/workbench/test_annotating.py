from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desk import SIDE, SOURCE, Desk, make_small_project

from napari_graft.core.labels import BACKGROUND, to_annotation
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project
from napari_graft.workbench.guesses import GuessCache
from napari_graft.workbench.suggesting import read_candidates

FIRST, SECOND, THIRD = (Tile(start, (SIDE, SIDE)) for start in ((0, 0), (64, 64), (128, 0)))
MakeDesk = Callable[..., Desk]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_small_project(tmp_path)


@pytest.fixture
def make_desk() -> Iterator[MakeDesk]:
    desks: list[Desk] = []

    def make(folder: Path, source: str | None = None) -> Desk:
        desks.append(Desk(folder, source))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


@pytest.fixture
def desk(folder: Path, make_desk: MakeDesk) -> Desk:
    return make_desk(folder)


def states(desk: Desk) -> list[str]:
    return [queued.state for queued in desk.model.state.queue.tiles]


def test_queue_of_the_project_is_shown_with_a_picture_of_each_tile(desk: Desk) -> None:
    desk.settle()

    assert [queued.tile for queued in desk.model.state.queue.tiles] == [FIRST, SECOND, THIRD]
    assert {picture.shape for picture in desk.model.tiles.thumbnails.values()} == {(64, 64)}
    assert all(np.ptp(picture) > 100 for picture in desk.model.tiles.thumbnails.values())


def test_whole_tile_is_stored_with_who_and_how_long_and_the_next_one_opens(desk: Desk, folder: Path) -> None:
    desk.open(FIRST)
    desk.paint(BACKGROUND, (slice(None), slice(None)))
    desk.paint(2)

    desk.model.accept()
    assert desk.model.state.is_saving
    assert desk.told == []
    desk.wait(lambda: desk.model.state.painting is not None and desk.model.state.painting.tile == SECOND)

    assert desk.told == ["Saved."]
    assert states(desk) == ["done", "to do", "to do"]
    desk.close()
    with open_project(folder) as project:
        stored = project.annotations.read(FIRST)
        assert stored.complete
        assert np.count_nonzero(stored.labels == 2) == 144
        assert project.drafts() == []
        assert project.queue().find(FIRST).state == "done"
        accepted = [entry for entry in project.journal.entries() if entry.what == "accept tile"]
        assert float(accepted[0].details["seconds"]) >= 0


def test_forgotten_pixels_are_asked_about_and_a_second_yes_makes_them_background(desk: Desk) -> None:
    desk.open(FIRST)
    desk.paint(2)

    desk.model.accept()
    assert desk.model.state.n_forgotten == SIDE * SIDE - 144
    assert states(desk) == ["to do"] * 3

    desk.model.accept()
    desk.wait(lambda: states(desk)[0] == "done")
    project = desk.context.require_project()
    assert np.count_nonzero(project.annotations.read(FIRST).labels == BACKGROUND) == SIDE * SIDE - 144


def test_painting_on_withdraws_the_question_about_forgotten_pixels(desk: Desk) -> None:
    desk.open(FIRST)
    desk.paint(2)
    desk.model.accept()

    desk.paint(3, (slice(30, 40), slice(30, 40)))

    assert desk.model.state.n_forgotten == 0
    desk.model.accept()
    assert desk.model.state.n_forgotten == SIDE * SIDE - 144 - 100


def test_strokes_leave_the_rest_unlabelled(desk: Desk) -> None:
    desk.model.set_sparse(True)
    desk.open(FIRST)
    desk.model.accept()
    assert "nothing is painted" in desk.refused[-1]

    desk.paint(2)
    desk.model.accept()
    desk.wait(lambda: states(desk)[0] == "done")

    stored = desk.context.require_project().annotations.read(FIRST)
    assert not stored.complete
    assert np.count_nonzero(stored.labels) == 144


def test_strokes_come_back_after_the_window_was_closed(desk: Desk, folder: Path, make_desk: MakeDesk) -> None:
    desk.open(FIRST)
    desk.paint(2)
    assert desk.labels is not None
    desk.labels[50:60, 50:60] = 3  # painted since the last look
    desk.close()

    again = make_desk(folder)
    again.open(FIRST)

    assert again.labels is not None
    assert np.count_nonzero(again.labels == 2) == 144
    assert np.count_nonzero(again.labels == 3) == 100
    assert again.model.state.painting.origin == "draft"


def test_stroke_painted_while_the_tile_is_being_saved_is_kept_as_well(desk: Desk) -> None:
    desk.model.set_sparse(True)
    desk.open(FIRST)
    desk.paint(2)
    may_save = threading.Event()
    desk.context.jobs.start(
        "Keeping the disk busy", lambda _, __: may_save.wait(60), lane="files", on_done=lambda _: None
    )
    desk.model.accept()
    desk.paint(3, (slice(30, 40), slice(30, 40)))
    assert desk.context.drafts.flush(60)
    may_save.set()
    desk.wait(lambda: states(desk)[0] == "done")

    project = desk.context.require_project()
    assert desk.context.drafts.flush(60)
    assert set(np.unique(project.annotations.read(FIRST).labels)) == {0, 2}
    assert set(np.unique(project.draft(FIRST).restore())) == {0, 2, 3}


def test_tile_that_was_left_keeps_what_was_painted(desk: Desk) -> None:
    desk.open(FIRST)
    assert desk.labels is not None
    desk.labels[8:20, 8:20] = 2  # nobody has noted it when the user goes on
    desk.open(SECOND)
    desk.open(FIRST)

    assert np.count_nonzero(desk.labels == 2) == 144
    assert desk.model.state.queue.find(FIRST).seconds > 0


def test_unsure_skipped_and_bad_tiles_are_noted_and_passed_over(desk: Desk, folder: Path) -> None:
    desk.open(FIRST)
    desk.paint(2)
    desk.model.mark_unsure()
    desk.wait(lambda: desk.model.state.painting.tile == SECOND)
    desk.model.skip()
    desk.wait(lambda: desk.model.state.painting.tile == THIRD)
    desk.model.mark_bad()
    desk.wait(lambda: desk.model.state.painting.tile == FIRST)  # what is left is the unsure one

    assert states(desk) == ["unsure", "skipped", "bad image"]
    assert np.count_nonzero(desk.labels == 2) == 144
    desk.settle()
    desk.close()
    with open_project(folder) as project:
        assert [queued.state for queued in project.queue().tiles] == ["unsure", "skipped", "bad image"]
        assert project.drafts() == [FIRST]


def test_done_tile_opens_with_its_labels_for_correction(desk: Desk) -> None:
    desk.open(FIRST)
    desk.paint(BACKGROUND, (slice(None), slice(None)))
    desk.paint(2)
    desk.model.accept()
    desk.wait(lambda: states(desk)[0] == "done")

    desk.open(FIRST)
    assert desk.model.state.painting.origin == "annotation"
    assert np.count_nonzero(desk.labels == 2) == 144
    desk.model.skip()
    assert "accepted already" in desk.refused[-1]
    desk.paint(3)
    desk.model.accept()
    desk.settle()

    project = desk.context.require_project()
    assert np.count_nonzero(project.annotations.read(FIRST).labels == 3) == 144
    assert len(project.annotations.tiles()) == 1


def test_next_and_previous_go_through_the_list(desk: Desk) -> None:
    desk.model.next()
    assert desk.model.state.current == FIRST
    desk.model.next()
    assert desk.model.state.current == SECOND
    desk.model.previous()
    assert desk.model.state.current == FIRST
    desk.model.previous()
    assert desk.model.state.current == THIRD
    desk.settle()
    assert desk.model.state.painting.tile == THIRD


def test_without_a_project_or_tiles_the_remedy_is_said(tmp_path: Path, make_desk: MakeDesk) -> None:
    desk = make_desk(make_small_project(tmp_path, with_queue=False))
    desk.settle()
    desk.model.next()
    desk.model.accept()
    desk.context.close_project()
    desk.model.suggest()

    assert desk.refused == [
        "there are no tiles yet: suggest some",
        "no tile is open: go to one first",
        "no project is open: start one in the tab Data",
    ]


def test_budget_limits_how_many_tiles_are_suggested(desk: Desk) -> None:
    desk.model.state.budget = 8
    assert desk.model.state.n_to_suggest == 4
    desk.model.state.budget = 5
    assert desk.model.state.n_to_suggest == 2
    desk.model.state.budget = 3
    assert desk.model.state.n_to_suggest == 0


def test_suggested_tiles_open_with_the_guess_of_the_source_at_once_after_reopening(
    tmp_path: Path, make_desk: MakeDesk
) -> None:
    folder = make_small_project(tmp_path, with_queue=False)
    desk = make_desk(folder, SOURCE)
    desk.settle()

    desk.model.suggest()
    assert desk.model.state.is_suggesting
    desk.wait(lambda: desk.model.state.queue.n_to_do == 4)
    desk.settle()

    assert not desk.model.state.is_suggesting
    tiles = [queued.tile for queued in desk.model.state.queue.tiles]
    assert len(desk.model.state.candidates) > len(tiles)
    assert all(0 < one.uncertainty < 1 for one in desk.model.state.candidates)
    assert set(desk.model.tiles.thumbnails) == set(tiles)
    desk.open(tiles[0])
    painting = desk.model.state.painting
    assert painting.origin == "guess"
    assert painting.model == SOURCE
    np.testing.assert_array_equal(painting.labels, to_annotation(painting.guess.segments))
    assert 0 <= painting.guess.uncertainty.min() < painting.guess.uncertainty.max() <= 1
    desk.model.set_sparse(True)
    assert not desk.labels.any()
    desk.close()

    again = make_desk(folder, SOURCE)
    assert [queued.tile for queued in again.model.state.queue.tiles] == tiles
    assert again.model.state.candidates == read_candidates(again.context.require_project()).candidates
    assert len(again.context.require_project().suggestions().suggestions) == 4
    again.open(tiles[1])
    assert again.model.state.painting.origin == "guess"
    assert GuessCache.of(again.context.require_project()).missing(SOURCE, tiles) == ()


def test_missing_guess_is_made_when_a_tile_is_opened_and_spares_what_is_painted(
    folder: Path, make_desk: MakeDesk
) -> None:
    desk = make_desk(folder, SOURCE)
    desk.open(FIRST)
    assert desk.model.state.painting.guess is None
    desk.paint(7)
    desk.wait(lambda: desk.model.state.painting.guess is not None)

    assert np.count_nonzero(desk.labels == 7) == 144
    assert np.count_nonzero(desk.labels) == 144
    desk.settle()
    desk.open(SECOND)
    assert desk.model.state.painting.origin == "guess"
    desk.open(FIRST)
    assert np.count_nonzero(desk.labels == 7) == 144
