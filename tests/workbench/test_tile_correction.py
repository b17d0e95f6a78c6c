"""The object tools on the open tile: they begin with the guess, and their edits are kept as strokes are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desk import SOURCE, AnnotateDriver, make_small_project
from test_strokes import FIRST, SECOND, keep_guess

from napari_graft.core.labels import BACKGROUND
from napari_graft.proofreading.edit import Edit
from napari_graft.workbench.annotate.tile_correction import TileCorrection
from napari_graft.workbench.annotate.tile_tools import TileTools
from napari_graft.workbench.proofread.affinities import AffinityCache
from napari_graft.workbench.proofread.click_tools import ClickTools

A, B, BETWEEN = (8, 8), (8, 24), (8, 16)
"""A pixel of the object 2, of the object 3 beside it, and of the background between them."""


class Corrector:
    """Use the object tools on the first tile, in a window without a window."""

    def __init__(self, folder: Path) -> None:
        self.driver = AnnotateDriver(folder, SOURCE)
        correction = TileCorrection(self.driver.context, self.driver.model)
        correction.edited.connect(self._do)
        self.tools = ClickTools(correction, AffinityCache(self.driver.context))
        self.driver.open(FIRST)

    def _do(self, edit: Edit) -> None:
        assert self.driver.labels is not None
        edit.apply(self.driver.labels)

    @property
    def labels(self) -> np.ndarray:
        assert self.driver.labels is not None
        return self.driver.labels

    def use(self, tool: str, *positions: tuple[int, ...]) -> None:
        self.tools.choose(tool)  # type: ignore[arg-type]  # a name of a tool
        for position in positions:
            self.tools.click(position)
            self.driver.settle()
        self.tools.confirm()
        self.driver.settle()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_small_project(tmp_path)
    keep_guess(folder)
    return folder


@pytest.fixture
def corrector(folder: Path) -> Iterator[Corrector]:
    found = Corrector(folder)
    yield found
    found.driver.close()


def test_two_objects_of_the_guess_are_merged_and_the_draft_has_it(corrector: Corrector) -> None:
    n_pixels = np.isin(corrector.labels, (2, 3)).sum()
    corrector.use("merge", A, B)

    assert corrector.labels[A] == corrector.labels[B] == 2
    assert (corrector.labels == 2).sum() == n_pixels
    assert corrector.labels[BETWEEN] == BACKGROUND
    assert corrector.driver.told == ["Merged objects 2 and 3."]
    assert corrector.driver.context.drafts.flush(60)
    draft = corrector.driver.context.require_project().draft(FIRST).restore()
    np.testing.assert_array_equal(draft, corrector.labels)


def test_a_drag_from_one_into_another_merges_too(corrector: Corrector) -> None:
    corrector.tools.choose("merge")
    corrector.tools.drag(B, A)
    assert corrector.labels[A] == corrector.labels[B] == 3
    corrector.tools.drag(B, BETWEEN)
    assert "no object" in corrector.driver.refused[-1]


def test_what_is_deleted_becomes_background_and_counts_as_painted(corrector: Corrector) -> None:
    corrector.use("delete", A)
    assert corrector.labels[A] == BACKGROUND
    assert corrector.driver.model.open_tile.is_touched
    corrector.driver.model.set_sparse(True)
    assert set(np.unique(corrector.labels)) == {0, BACKGROUND}


def test_a_cut_is_previewed_and_done_by_the_shape_until_the_model_answers(corrector: Corrector) -> None:
    corrector.tools.choose("split")
    for position in ((8, 3), (8, 13)):
        corrector.tools.click(position)
    corrector.driver.settle()
    preview = corrector.tools.state.preview
    assert preview is not None
    assert preview.start == (1, 1)
    assert set(np.unique(preview.parts)) == {1, 2}
    assert corrector.labels[8, 13] == 2

    corrector.tools.confirm()

    assert corrector.labels[8, 3] == 2
    assert corrector.labels[8, 13] == 18  # behind all that are used


def test_a_deleted_object_grows_again_where_the_chosen_source_sees_it(folder: Path) -> None:
    corrector = Corrector(folder)
    try:
        corrector.labels[:] = BACKGROUND
        corrector.driver.note()
        corrector.use("new", (30, 30))
        found = [words for words in corrector.driver.refused if "border" in words]
        assert found or (corrector.labels == 2).any()
        assert list((folder / "cache" / "affinities").rglob(f"{SOURCE}-*.safetensors"))
    finally:
        corrector.driver.close()


def test_clicks_are_forgotten_with_the_tile(corrector: Corrector) -> None:
    corrector.tools.choose("merge")
    corrector.tools.click(A)
    assert corrector.tools.state.points == (A,)
    corrector.driver.open(SECOND)
    assert corrector.tools.state.points == ()
    corrector.tools.click(A)
    corrector.tools.click(A)
    assert "once more" in corrector.driver.refused[-1]


def test_objects_of_a_tile_are_not_locked(corrector: Corrector) -> None:
    corrector.use("lock", A)
    assert "cannot be locked" in corrector.driver.refused[-1]


def test_strokes_and_tools_are_undone_after_the_project_was_opened_again(folder: Path) -> None:
    states = []
    first = Corrector(folder)
    states.append(first.labels.copy())
    for act in (
        lambda: first.driver.paint(18),
        lambda: first.use("merge", A, B),
        lambda: first.use("delete", (24, 8)),
    ):
        act()
        assert first.driver.context.drafts.flush(60)  # of two that wait together only the later is written
        states.append(first.labels.copy())
    first.tools.undo()
    first.driver.close()

    again = Corrector(folder)
    try:
        np.testing.assert_array_equal(again.labels, states[2])
        again.tools.redo()
        np.testing.assert_array_equal(again.labels, states[3])
        for state in states[2::-1]:
            again.tools.undo()
            np.testing.assert_array_equal(again.labels, state)
            np.testing.assert_array_equal(again.driver.model.open_tile.labels, state)
        again.tools.undo()
        assert again.driver.told[-1] == "There is nothing to undo on this tile."
        again.tools.redo()
        again.driver.paint(19)  # hides what was undone
        again.tools.redo()
        assert again.driver.told[-1] == "There is nothing to do again on this tile."
    finally:
        again.driver.close()


def test_of_a_draft_that_a_kill_cut_off_what_is_whole_can_be_undone(folder: Path) -> None:
    first = Corrector(folder)
    start = first.labels.copy()
    first.driver.paint(18)
    assert first.driver.context.drafts.flush(60)
    painted = first.labels.copy()
    path = first.driver.context.require_project().draft(FIRST).path
    n_whole = path.stat().st_size
    first.use("merge", A, B)
    first.driver.close()
    path.write_bytes(path.read_bytes()[: n_whole + 11])

    again = Corrector(folder)
    try:
        np.testing.assert_array_equal(again.labels, painted)
        again.tools.undo()
        np.testing.assert_array_equal(again.labels, start)
    finally:
        again.driver.close()


def test_what_is_painted_on_an_accepted_tile_is_undone_to_what_was_accepted(folder: Path) -> None:
    first = Corrector(folder)
    first.driver.paint(18)
    first.driver.model.accept()
    first.driver.settle()
    first.driver.open(FIRST)
    accepted = first.labels.copy()
    first.use("merge", A, B)
    first.driver.close()

    again = Corrector(folder)
    try:
        again.tools.undo()
        np.testing.assert_array_equal(again.labels, accepted)
    finally:
        again.driver.close()


def test_a_cleared_tile_is_not_half_undone(folder: Path) -> None:
    corrector = Corrector(folder)
    try:
        corrector.driver.paint(18)
        TileTools(corrector.driver.context, corrector.driver.model).clear()
        corrector.tools.undo()
        assert not corrector.labels.any()
    finally:
        corrector.driver.close()
