from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desk import SIDE, SOURCE, AnnotateDriver, make_small_project

from napari_graft.core.labels import BACKGROUND, to_annotation
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project
from napari_graft.workbench.annotate.suggesting import read_candidates
from napari_graft.workbench.annotate.tile_painting import GuessCache

FIRST, SECOND, THIRD = (Tile(start, (SIDE, SIDE)) for start in ((0, 0), (64, 64), (128, 0)))
MakeDriver = Callable[..., AnnotateDriver]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_small_project(tmp_path)


@pytest.fixture
def make_driver() -> Iterator[MakeDriver]:
    drivers: list[AnnotateDriver] = []

    def make(folder: Path, source: str | None = None) -> AnnotateDriver:
        drivers.append(AnnotateDriver(folder, source))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.close()


@pytest.fixture
def driver(folder: Path, make_driver: MakeDriver) -> AnnotateDriver:
    return make_driver(folder)


def states(driver: AnnotateDriver) -> list[str]:
    return [queued.state for queued in driver.model.state.queue.tiles]


def test_queue_of_the_project_is_shown_with_a_picture_of_each_tile(driver: AnnotateDriver) -> None:
    driver.settle()

    assert [queued.tile for queued in driver.model.state.queue.tiles] == [FIRST, SECOND, THIRD]
    assert {picture.shape for picture in driver.model.tiles.thumbnails.values()} == {(64, 64)}
    assert all(np.ptp(picture) > 100 for picture in driver.model.tiles.thumbnails.values())


def test_whole_tile_is_stored_with_who_and_how_long_and_the_next_one_opens(
    driver: AnnotateDriver, folder: Path
) -> None:
    driver.open(FIRST)
    driver.paint(BACKGROUND, (slice(None), slice(None)))
    driver.paint(2)

    driver.model.accept()
    assert driver.model.state.is_saving
    assert driver.told == []
    driver.wait(
        lambda: driver.model.state.painting is not None and driver.model.state.painting.tile == SECOND
    )

    assert driver.told == ["Saved."]
    assert states(driver) == ["done", "to do", "to do"]
    driver.close()
    with open_project(folder) as project:
        stored = project.annotations.read(FIRST)
        assert stored.complete
        assert np.count_nonzero(stored.labels == 2) == 144
        assert project.drafts() == []
        assert project.queue().find(FIRST).state == "done"
        accepted = [entry for entry in project.journal.entries() if entry.what == "accept tile"]
        assert float(accepted[0].details["seconds"]) >= 0


def test_forgotten_pixels_are_asked_about_and_a_second_yes_makes_them_background(
    driver: AnnotateDriver,
) -> None:
    driver.open(FIRST)
    driver.paint(2)

    driver.model.accept()
    assert driver.model.state.n_forgotten == SIDE * SIDE - 144
    assert states(driver) == ["to do"] * 3

    driver.model.accept()
    driver.wait(lambda: states(driver)[0] == "done")
    project = driver.context.require_project()
    assert np.count_nonzero(project.annotations.read(FIRST).labels == BACKGROUND) == SIDE * SIDE - 144


def test_painting_on_withdraws_the_question_about_forgotten_pixels(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    driver.paint(2)
    driver.model.accept()

    driver.paint(3, (slice(30, 40), slice(30, 40)))

    assert driver.model.state.n_forgotten == 0
    driver.model.accept()
    assert driver.model.state.n_forgotten == SIDE * SIDE - 144 - 100


def test_strokes_leave_the_rest_unlabelled(driver: AnnotateDriver) -> None:
    driver.model.set_sparse(True)
    driver.open(FIRST)
    driver.model.accept()
    assert "nothing is painted" in driver.refused[-1]

    driver.paint(2)
    driver.model.accept()
    driver.wait(lambda: states(driver)[0] == "done")

    stored = driver.context.require_project().annotations.read(FIRST)
    assert not stored.complete
    assert np.count_nonzero(stored.labels) == 144


def test_strokes_come_back_after_the_window_was_closed(
    driver: AnnotateDriver, folder: Path, make_driver: MakeDriver
) -> None:
    driver.open(FIRST)
    driver.paint(2)
    assert driver.labels is not None
    driver.labels[50:60, 50:60] = 3  # painted since the last look
    driver.close()

    again = make_driver(folder)
    again.open(FIRST)

    assert again.labels is not None
    assert np.count_nonzero(again.labels == 2) == 144
    assert np.count_nonzero(again.labels == 3) == 100
    assert again.model.state.painting.origin == "draft"


def test_stroke_painted_while_the_tile_is_being_saved_is_kept_as_well(driver: AnnotateDriver) -> None:
    driver.model.set_sparse(True)
    driver.open(FIRST)
    driver.paint(2)
    may_save = threading.Event()
    driver.context.jobs.start(
        "Keeping the disk busy", lambda _, __: may_save.wait(60), lane="files", on_done=lambda _: None
    )
    driver.model.accept()
    driver.paint(3, (slice(30, 40), slice(30, 40)))
    assert driver.context.drafts.flush(60)
    may_save.set()
    driver.wait(lambda: states(driver)[0] == "done")

    project = driver.context.require_project()
    assert driver.context.drafts.flush(60)
    assert set(np.unique(project.annotations.read(FIRST).labels)) == {0, 2}
    assert set(np.unique(project.draft(FIRST).restore())) == {0, 2, 3}


def test_tile_that_was_left_keeps_what_was_painted(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    assert driver.labels is not None
    driver.labels[8:20, 8:20] = 2  # nobody has noted it when the user goes on
    driver.open(SECOND)
    driver.open(FIRST)

    assert np.count_nonzero(driver.labels == 2) == 144
    assert driver.model.state.queue.find(FIRST).seconds > 0


def test_unsure_skipped_and_bad_tiles_are_noted_and_passed_over(driver: AnnotateDriver, folder: Path) -> None:
    driver.open(FIRST)
    driver.paint(2)
    driver.model.mark_unsure()
    driver.wait(lambda: driver.model.state.painting.tile == SECOND)
    driver.model.skip()
    driver.wait(lambda: driver.model.state.painting.tile == THIRD)
    driver.model.mark_bad()
    driver.wait(lambda: driver.model.state.painting.tile == FIRST)  # what is left is the unsure one

    assert states(driver) == ["unsure", "skipped", "bad image"]
    assert np.count_nonzero(driver.labels == 2) == 144
    driver.settle()
    driver.close()
    with open_project(folder) as project:
        assert [queued.state for queued in project.queue().tiles] == ["unsure", "skipped", "bad image"]
        assert project.drafts() == [FIRST]


def test_done_tile_opens_with_its_labels_for_correction(driver: AnnotateDriver) -> None:
    driver.open(FIRST)
    driver.paint(BACKGROUND, (slice(None), slice(None)))
    driver.paint(2)
    driver.model.accept()
    driver.wait(lambda: states(driver)[0] == "done")

    driver.open(FIRST)
    assert driver.model.state.painting.origin == "annotation"
    assert np.count_nonzero(driver.labels == 2) == 144
    driver.model.skip()
    assert "accepted already" in driver.refused[-1]
    driver.paint(3)
    driver.model.accept()
    driver.settle()

    project = driver.context.require_project()
    assert np.count_nonzero(project.annotations.read(FIRST).labels == 3) == 144
    assert len(project.annotations.tiles()) == 1


def test_next_and_previous_go_through_the_list(driver: AnnotateDriver) -> None:
    driver.model.next()
    assert driver.model.state.current == FIRST
    driver.model.next()
    assert driver.model.state.current == SECOND
    driver.model.previous()
    assert driver.model.state.current == FIRST
    driver.model.previous()
    assert driver.model.state.current == THIRD
    driver.settle()
    assert driver.model.state.painting.tile == THIRD


def test_without_a_project_or_tiles_the_remedy_is_said(tmp_path: Path, make_driver: MakeDriver) -> None:
    driver = make_driver(make_small_project(tmp_path, with_queue=False))
    driver.settle()
    driver.model.next()
    driver.model.accept()
    driver.context.close_project()
    driver.model.suggest()

    assert driver.refused == [
        "there are no tiles yet: suggest some",
        "no tile is open: go to one first",
        "no project is open: start one in the tab Data",
    ]


def test_budget_limits_how_many_tiles_are_suggested(driver: AnnotateDriver) -> None:
    driver.model.state.budget = 8
    assert driver.model.state.n_to_suggest == 4
    driver.model.state.budget = 5
    assert driver.model.state.n_to_suggest == 2
    driver.model.state.budget = 3
    assert driver.model.state.n_to_suggest == 0


def test_suggested_tiles_open_with_the_guess_of_the_source_at_once_after_reopening(
    tmp_path: Path, make_driver: MakeDriver
) -> None:
    folder = make_small_project(tmp_path, with_queue=False)
    driver = make_driver(folder, SOURCE)
    driver.settle()

    driver.model.suggest()
    assert driver.model.state.is_suggesting
    driver.wait(lambda: driver.model.state.queue.n_to_do == 4)
    driver.settle()

    assert not driver.model.state.is_suggesting
    tiles = [queued.tile for queued in driver.model.state.queue.tiles]
    assert len(driver.model.state.candidates) > len(tiles)
    assert all(0 < one.uncertainty < 1 for one in driver.model.state.candidates)
    assert set(driver.model.tiles.thumbnails) == set(tiles)
    driver.open(tiles[0])
    painting = driver.model.state.painting
    assert painting.origin == "guess"
    assert painting.model == SOURCE
    np.testing.assert_array_equal(painting.labels, to_annotation(painting.guess.segments))
    assert 0 <= painting.guess.uncertainty.min() < painting.guess.uncertainty.max() <= 1
    driver.model.set_sparse(True)
    assert not driver.labels.any()
    driver.close()

    again = make_driver(folder, SOURCE)
    assert [queued.tile for queued in again.model.state.queue.tiles] == tiles
    assert again.model.state.candidates == read_candidates(again.context.require_project()).candidates
    assert len(again.context.require_project().suggestions().suggestions) == 4
    again.open(tiles[1])
    assert again.model.state.painting.origin == "guess"
    assert GuessCache.of(again.context.require_project()).missing(SOURCE, tiles) == ()


def test_missing_guess_is_made_when_a_tile_is_opened_and_spares_what_is_painted(
    folder: Path, make_driver: MakeDriver
) -> None:
    driver = make_driver(folder, SOURCE)
    driver.open(FIRST)
    assert driver.model.state.painting.guess is None
    driver.paint(7)
    driver.wait(lambda: driver.model.state.painting.guess is not None)

    assert np.count_nonzero(driver.labels == 7) == 144
    assert np.count_nonzero(driver.labels) == 144
    driver.settle()
    driver.open(SECOND)
    assert driver.model.state.painting.origin == "guess"
    driver.open(FIRST)
    assert np.count_nonzero(driver.labels == 7) == 144
