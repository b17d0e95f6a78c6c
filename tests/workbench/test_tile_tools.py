"""Tiles that are cleared, refilled, taken out, added and imported: nothing is lost, all is undone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

sys.path.insert(0, str(Path(__file__).parent))

from desk import SIDE, SOURCE, AnnotateDriver, make_small_project
from test_strokes import FIRST, N_PIXELS, STROKE, keep_guess

from napari_graft.core.labels import to_annotation
from napari_graft.core.tile import Tile
from napari_graft.workbench.annotate.tile_tools import TileTools

MakeDriver = Callable[..., AnnotateDriver]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_small_project(tmp_path)
    keep_guess(folder)
    return folder


@pytest.fixture
def make_driver() -> Iterator[MakeDriver]:
    drivers: list[AnnotateDriver] = []

    def make(folder: Path, source: str | None = SOURCE) -> AnnotateDriver:
        drivers.append(AnnotateDriver(folder, source))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.close()


@pytest.fixture
def driver(folder: Path, make_driver: MakeDriver) -> AnnotateDriver:
    return make_driver(folder)


@pytest.fixture
def tools(driver: AnnotateDriver) -> TileTools:
    return TileTools(driver.context, driver.model)


def noted(driver: AnnotateDriver) -> list[str]:
    driver.settle()
    return [entry.what for entry in driver.context.require_project().journal.entries()]


def states(driver: AnnotateDriver) -> list[str]:
    return [queued.state for queued in driver.model.state.queue.tiles]


def test_a_cleared_tile_is_empty_also_after_a_crash_and_can_be_taken_back(
    driver: AnnotateDriver, tools: TileTools, folder: Path, make_driver: MakeDriver
) -> None:
    driver.open(FIRST)
    driver.paint(40)
    before = driver.labels.copy()
    tools.clear()
    assert not driver.labels.any()
    assert noted(driver) == ["clear tile"]
    tools.clear()
    assert "empty already" in driver.refused[-1]
    assert driver.context.drafts.flush(60)
    assert not driver.context.require_project().draft(FIRST).restore().any()

    assert driver.model.state.can_take_back
    tools.take_back()
    np.testing.assert_array_equal(driver.labels, before)
    assert not driver.model.state.can_take_back
    driver.model.set_sparse(True)  # it still knows what of it was painted
    assert np.count_nonzero(driver.labels) == N_PIXELS
    driver.settle()
    driver.close()
    again = make_driver(folder)
    again.open(FIRST)
    assert np.count_nonzero(again.labels) == N_PIXELS


def test_a_guess_cleared_before_anybody_painted_stays_cleared(
    driver: AnnotateDriver, tools: TileTools, folder: Path, make_driver: MakeDriver
) -> None:
    driver.open(FIRST)
    tools.clear()
    driver.settle()
    driver.close()
    again = make_driver(folder)
    again.open(FIRST)
    assert not again.labels.any()


def test_refilling_spares_what_was_painted(driver: AnnotateDriver, tools: TileTools) -> None:
    driver.open(FIRST)
    tools.refill()
    assert "nothing to refill" in driver.refused[-1]
    tools.clear()
    driver.paint(40)
    tools.refill()
    assert (driver.labels[STROKE] == 40).all()
    assert np.count_nonzero(driver.labels) == SIDE * SIDE
    assert len(np.unique(driver.labels)) == 18
    tools.take_back()
    assert np.count_nonzero(driver.labels) == N_PIXELS
    tools.refill()
    driver.model.set_sparse(True)
    assert np.count_nonzero(driver.labels) == N_PIXELS
    tools.refill()
    assert "choose Whole tile" in driver.refused[-1]
    assert noted(driver) == ["clear tile", "refill tile", "refill tile"]


def test_refilling_after_another_source_was_chosen_takes_its_guess(
    driver: AnnotateDriver, tools: TileTools, folder: Path
) -> None:
    other = np.zeros((SIDE, SIDE), np.uint32)
    other[30:50, 30:50] = 1
    keep_guess(folder, "other", other)
    driver.open(FIRST)
    driver.paint(40)
    driver.model.chosen_source = lambda: "other"
    driver.model.look_anew()
    driver.settle()
    tools.refill()
    assert (driver.labels[STROKE] == 40).all()
    assert len(np.unique(driver.labels)) == 3
    assert driver.model.state.painting.model == "other"


def test_without_a_guess_there_is_nothing_to_refill_from(folder: Path, make_driver: MakeDriver) -> None:
    driver = make_driver(folder, None)
    tools = TileTools(driver.context, driver.model)
    tools.refill()
    assert "no tile is open" in driver.refused[-1]
    driver.open(FIRST)
    tools.refill()
    assert "no model has looked" in driver.refused[-1]


def test_a_tile_taken_out_of_those_that_are_done_is_a_draft_and_can_be_accepted_again(
    driver: AnnotateDriver, tools: TileTools, folder: Path, make_driver: MakeDriver
) -> None:
    driver.open(FIRST)
    tools.withdraw()
    assert "not done" in driver.refused[-1]
    driver.paint(40)
    painted = driver.labels.copy()
    driver.model.accept()
    driver.wait(lambda: states(driver)[0] == "done")
    driver.settle()

    driver.open(FIRST)
    tools.withdraw()
    driver.settle()
    project = driver.context.require_project()
    assert project.annotations.tiles() == []
    assert states(driver)[0] == "to do"
    np.testing.assert_array_equal(project.draft(FIRST).restore(), painted)
    assert noted(driver) == ["accept tile", "withdraw tile"]
    driver.close()

    again = make_driver(folder)
    again.open(FIRST)
    np.testing.assert_array_equal(again.labels, painted)
    again.model.accept()
    again.wait(lambda: states(again)[0] == "done")
    stored = again.context.require_project().annotations.read(FIRST)
    np.testing.assert_array_equal(stored.labels, painted)


def test_what_was_painted_since_a_tile_was_accepted_stays_when_it_is_taken_out(
    driver: AnnotateDriver, tools: TileTools
) -> None:
    driver.open(FIRST)
    driver.paint(40)
    driver.model.accept()
    driver.wait(lambda: states(driver)[0] == "done")
    driver.settle()
    driver.open(FIRST)
    driver.paint(41)
    tools.withdraw()
    driver.settle()
    assert (driver.context.require_project().draft(FIRST).restore()[STROKE] == 41).all()
    assert (driver.labels[STROKE] == 41).all()


def test_a_tile_of_ones_own_is_added_and_opened_and_no_suggestion_takes_its_place(
    driver: AnnotateDriver, tools: TileTools, folder: Path, make_driver: MakeDriver
) -> None:
    own = Tile((180, 180), (SIDE, SIDE))
    tools.paint_here(own)
    driver.wait(lambda: (now := driver.model.state.painting) is not None and now.tile == own)
    assert driver.model.state.queue.find(own).reason == "chosen by you"
    assert not driver.model.state.queue.find(own).is_untouched
    assert noted(driver) == ["add tile"]
    driver.close()
    again = make_driver(folder)
    assert again.model.state.queue.find(own) is not None


def test_where_a_tile_is_already_it_is_opened_or_gives_way_or_the_place_is_refused(
    driver: AnnotateDriver, tools: TileTools
) -> None:
    tools.paint_here(Tile((8, 8), (SIDE, SIDE)))
    assert driver.model.state.current == FIRST
    driver.settle()
    tools.paint_here(Tile((0, 40), (SIDE, SIDE)))  # beside it; nobody has painted there
    assert driver.model.state.current == Tile((0, 40), (SIDE, SIDE))
    assert driver.model.state.queue.find(FIRST) is None
    driver.settle()
    tools.paint_here(Tile((0, 90), (SIDE, SIDE)))
    assert "reaches in here" in driver.refused[-1]


def test_labels_are_imported_where_nobody_has_painted(
    driver: AnnotateDriver, tools: TileTools, tmp_path: Path
) -> None:
    truth = np.zeros((256, 256), np.uint16)
    truth[10:20, 10:20], truth[80:90, 80:90] = 7, 8
    tifffile.imwrite(tmp_path / "truth.tif", truth)
    driver.open(FIRST)
    driver.paint(40)
    tools.import_labels(tmp_path / "truth.tif")
    driver.settle()
    assert states(driver) == ["to do", "done", "done"]
    assert (driver.labels[STROKE] == 40).all()
    second = driver.model.state.queue.tiles[1].tile
    stored = driver.context.require_project().annotations.read(second)
    np.testing.assert_array_equal(stored.labels, to_annotation(truth[64:128, 64:128]))
    assert "2 tiles" in driver.told[-1]
    tools.import_labels(tmp_path / "truth.tif")
    assert "no tile to do" in driver.refused[-1]


def test_a_mask_of_several_pieces_is_asked_about(
    driver: AnnotateDriver, tools: TileTools, tmp_path: Path
) -> None:
    mask = np.zeros((256, 256), np.uint8)
    mask[80:90, 80:90] = mask[100:110, 100:110] = 255
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    asked: list[Path] = []
    tools.mask_asked.connect(asked.append)
    tools.import_labels(tmp_path / "mask.tif")
    driver.settle()
    assert asked == [tmp_path / "mask.tif"]
    assert "done" not in states(driver)
    tools.import_labels(asked[0], "pieces")
    driver.settle()
    assert states(driver) == ["done"] * 3
    stored = driver.context.require_project().annotations.read(driver.model.state.queue.tiles[1].tile)
    assert len(np.unique(stored.labels)) == 3


def test_labels_that_do_not_fit_are_refused_in_words(
    driver: AnnotateDriver, tools: TileTools, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "small.tif", np.ones((9, 9), np.uint8))
    errors: list[str] = []
    driver.context.jobs.ended.connect(lambda job: errors.append(job.state.error))
    tools.import_labels(tmp_path / "small.tif")
    driver.settle()
    assert any("same resolution" in words for words in errors)
    assert "done" not in states(driver)
