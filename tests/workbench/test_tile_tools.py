"""Tiles that are cleared, refilled, taken out, added and imported: nothing is lost, all is undone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

sys.path.insert(0, str(Path(__file__).parent))

from desk import SIDE, SOURCE, Desk, make_small_project
from test_strokes import FIRST, N_PIXELS, STROKE, keep_guess

from napari_graft.core.labels import to_annotation
from napari_graft.core.tile import Tile
from napari_graft.workbench.tile_tools import TileTools

MakeDesk = Callable[..., Desk]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_small_project(tmp_path)
    keep_guess(folder)
    return folder


@pytest.fixture
def make_desk() -> Iterator[MakeDesk]:
    desks: list[Desk] = []

    def make(folder: Path, source: str | None = SOURCE) -> Desk:
        desks.append(Desk(folder, source))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


@pytest.fixture
def desk(folder: Path, make_desk: MakeDesk) -> Desk:
    return make_desk(folder)


@pytest.fixture
def tools(desk: Desk) -> TileTools:
    return TileTools(desk.context, desk.model)


def noted(desk: Desk) -> list[str]:
    desk.settle()
    return [entry.what for entry in desk.context.require_project().journal.entries()]


def states(desk: Desk) -> list[str]:
    return [queued.state for queued in desk.model.state.queue.tiles]


def test_a_cleared_tile_is_empty_also_after_a_crash_and_can_be_taken_back(
    desk: Desk, tools: TileTools, folder: Path, make_desk: MakeDesk
) -> None:
    desk.open(FIRST)
    desk.paint(40)
    before = desk.labels.copy()
    tools.clear()
    assert not desk.labels.any()
    assert noted(desk) == ["clear tile"]
    tools.clear()
    assert "empty already" in desk.refused[-1]
    assert desk.context.drafts.flush(60)
    assert not desk.context.require_project().draft(FIRST).restore().any()

    assert desk.model.state.can_take_back
    tools.take_back()
    np.testing.assert_array_equal(desk.labels, before)
    assert not desk.model.state.can_take_back
    desk.model.set_sparse(True)  # it still knows what of it was painted
    assert np.count_nonzero(desk.labels) == N_PIXELS
    desk.settle()
    desk.close()
    again = make_desk(folder)
    again.open(FIRST)
    assert np.count_nonzero(again.labels) == N_PIXELS


def test_a_guess_cleared_before_anybody_painted_stays_cleared(
    desk: Desk, tools: TileTools, folder: Path, make_desk: MakeDesk
) -> None:
    desk.open(FIRST)
    tools.clear()
    desk.settle()
    desk.close()
    again = make_desk(folder)
    again.open(FIRST)
    assert not again.labels.any()


def test_refilling_spares_what_was_painted(desk: Desk, tools: TileTools) -> None:
    desk.open(FIRST)
    tools.refill()
    assert "nothing to refill" in desk.refused[-1]
    tools.clear()
    desk.paint(40)
    tools.refill()
    assert (desk.labels[STROKE] == 40).all()
    assert np.count_nonzero(desk.labels) == SIDE * SIDE
    assert len(np.unique(desk.labels)) == 18
    tools.take_back()
    assert np.count_nonzero(desk.labels) == N_PIXELS
    tools.refill()
    desk.model.set_sparse(True)
    assert np.count_nonzero(desk.labels) == N_PIXELS
    tools.refill()
    assert "choose Whole tile" in desk.refused[-1]
    assert noted(desk) == ["clear tile", "refill tile", "refill tile"]


def test_refilling_after_another_source_was_chosen_takes_its_guess(
    desk: Desk, tools: TileTools, folder: Path
) -> None:
    other = np.zeros((SIDE, SIDE), np.uint32)
    other[30:50, 30:50] = 1
    keep_guess(folder, "other", other)
    desk.open(FIRST)
    desk.paint(40)
    desk.model.chosen_source = lambda: "other"
    desk.model.look_anew()
    desk.settle()
    tools.refill()
    assert (desk.labels[STROKE] == 40).all()
    assert len(np.unique(desk.labels)) == 3
    assert desk.model.state.painting.model == "other"


def test_without_a_guess_there_is_nothing_to_refill_from(folder: Path, make_desk: MakeDesk) -> None:
    desk = make_desk(folder, None)
    tools = TileTools(desk.context, desk.model)
    tools.refill()
    assert "no tile is open" in desk.refused[-1]
    desk.open(FIRST)
    tools.refill()
    assert "no model has looked" in desk.refused[-1]


def test_a_tile_taken_out_of_those_that_are_done_is_a_draft_and_can_be_accepted_again(
    desk: Desk, tools: TileTools, folder: Path, make_desk: MakeDesk
) -> None:
    desk.open(FIRST)
    tools.withdraw()
    assert "not done" in desk.refused[-1]
    desk.paint(40)
    painted = desk.labels.copy()
    desk.model.accept()
    desk.wait(lambda: states(desk)[0] == "done")
    desk.settle()

    desk.open(FIRST)
    tools.withdraw()
    desk.settle()
    project = desk.context.require_project()
    assert project.annotations.tiles() == []
    assert states(desk)[0] == "to do"
    np.testing.assert_array_equal(project.draft(FIRST).restore(), painted)
    assert noted(desk) == ["accept tile", "withdraw tile"]
    desk.close()

    again = make_desk(folder)
    again.open(FIRST)
    np.testing.assert_array_equal(again.labels, painted)
    again.model.accept()
    again.wait(lambda: states(again)[0] == "done")
    stored = again.context.require_project().annotations.read(FIRST)
    np.testing.assert_array_equal(stored.labels, painted)


def test_what_was_painted_since_a_tile_was_accepted_stays_when_it_is_taken_out(
    desk: Desk, tools: TileTools
) -> None:
    desk.open(FIRST)
    desk.paint(40)
    desk.model.accept()
    desk.wait(lambda: states(desk)[0] == "done")
    desk.settle()
    desk.open(FIRST)
    desk.paint(41)
    tools.withdraw()
    desk.settle()
    assert (desk.context.require_project().draft(FIRST).restore()[STROKE] == 41).all()
    assert (desk.labels[STROKE] == 41).all()


def test_a_tile_of_ones_own_is_added_and_opened_and_no_suggestion_takes_its_place(
    desk: Desk, tools: TileTools, folder: Path, make_desk: MakeDesk
) -> None:
    own = Tile((180, 180), (SIDE, SIDE))
    tools.paint_here(own)
    desk.wait(lambda: (now := desk.model.state.painting) is not None and now.tile == own)
    assert desk.model.state.queue.find(own).reason == "chosen by you"
    assert not desk.model.state.queue.find(own).is_untouched
    assert noted(desk) == ["add tile"]
    desk.close()
    again = make_desk(folder)
    assert again.model.state.queue.find(own) is not None


def test_where_a_tile_is_already_it_is_opened_or_gives_way_or_the_place_is_refused(
    desk: Desk, tools: TileTools
) -> None:
    tools.paint_here(Tile((8, 8), (SIDE, SIDE)))
    assert desk.model.state.current == FIRST
    desk.settle()
    tools.paint_here(Tile((0, 40), (SIDE, SIDE)))  # beside it; nobody has painted there
    assert desk.model.state.current == Tile((0, 40), (SIDE, SIDE))
    assert desk.model.state.queue.find(FIRST) is None
    desk.settle()
    tools.paint_here(Tile((0, 90), (SIDE, SIDE)))
    assert "reaches in here" in desk.refused[-1]


def test_labels_are_imported_where_nobody_has_painted(desk: Desk, tools: TileTools, tmp_path: Path) -> None:
    truth = np.zeros((256, 256), np.uint16)
    truth[10:20, 10:20], truth[80:90, 80:90] = 7, 8
    tifffile.imwrite(tmp_path / "truth.tif", truth)
    desk.open(FIRST)
    desk.paint(40)
    tools.import_labels(tmp_path / "truth.tif")
    desk.settle()
    assert states(desk) == ["to do", "done", "done"]
    assert (desk.labels[STROKE] == 40).all()
    second = desk.model.state.queue.tiles[1].tile
    stored = desk.context.require_project().annotations.read(second)
    np.testing.assert_array_equal(stored.labels, to_annotation(truth[64:128, 64:128]))
    assert "2 tiles" in desk.told[-1]
    tools.import_labels(tmp_path / "truth.tif")
    assert "no tile to do" in desk.refused[-1]


def test_a_mask_of_several_pieces_is_asked_about(desk: Desk, tools: TileTools, tmp_path: Path) -> None:
    mask = np.zeros((256, 256), np.uint8)
    mask[80:90, 80:90] = mask[100:110, 100:110] = 255
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    asked: list[Path] = []
    tools.mask_asked.connect(asked.append)
    tools.import_labels(tmp_path / "mask.tif")
    desk.settle()
    assert asked == [tmp_path / "mask.tif"]
    assert "done" not in states(desk)
    tools.import_labels(asked[0], "pieces")
    desk.settle()
    assert states(desk) == ["done"] * 3
    stored = desk.context.require_project().annotations.read(desk.model.state.queue.tiles[1].tile)
    assert len(np.unique(stored.labels)) == 3


def test_labels_that_do_not_fit_are_refused_in_words(desk: Desk, tools: TileTools, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "small.tif", np.ones((9, 9), np.uint8))
    errors: list[str] = []
    desk.context.jobs.ended.connect(lambda job: errors.append(job.state.error))
    tools.import_labels(tmp_path / "small.tif")
    desk.settle()
    assert any("same resolution" in words for words in errors)
    assert "done" not in states(desk)
