"""A result is corrected by clicks: the edits hold after a restart, undo goes back, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from desk import make_small_project
from window import Window

from napari_graft.core.errors import StorageError
from napari_graft.io import atomic
from napari_graft.project.proofreading import ProofreadingStore
from napari_graft.project.results import note_written_result
from napari_graft.workbench.proofread.click_tools import ClickTools

SHAPE = (256, 256)
LEFT, RIGHT, LONE = (50, 30), (50, 70), (150, 150)


def some_objects() -> np.ndarray:
    """Return two objects side by side, 1 and 2, and another one, 7, of two discs that touch."""
    labels = np.zeros(SHAPE, np.uint32)
    labels[40:60, 20:50], labels[40:60, 50:80] = 1, 2
    rows, columns = np.indices(SHAPE)
    for centre in (140, 164):
        labels[(rows - 150) ** 2 + (columns - centre) ** 2 < 15**2] = 7
    return labels


def make_with_result(folder: Path) -> Path:
    """Make a project with a segmentation of the whole image in a file."""
    project = make_small_project(folder, with_queue=False)
    tifffile.imwrite(folder / "cells-segments.tif", some_objects())
    note_written_result(project, folder / "cells-segments.tif", "0001", 3)
    return project


class Proofreader:
    """Click in the result of a project, in a window without a window."""

    def __init__(self, window: Window, folder: Path) -> None:
        self.window, self.folder = window, folder
        self.model = window.workbench.proofreading
        self.tools: ClickTools = window.workbench.click_tools
        self.said: list[str] = []
        self.refused: list[str] = []
        self.model.told.connect(self.said.append)
        self.model.refused.connect(self.refused.append)

    def open(self) -> None:
        self.window.open(self.folder)
        self.model.open()
        self.window.wait()
        assert self.model.state.opened is not None, (self.refused, self.window.failures)

    def restart(self) -> None:
        self.window.leave()
        assert self.model.state.opened is None
        self.open()

    @property
    def labels(self) -> np.ndarray:
        assert self.model.state.opened is not None
        return self.model.state.opened.objects.labels

    def use(self, tool: str, *positions: tuple[int, ...]) -> None:
        self.tools.choose(tool)  # type: ignore[arg-type]  # a name of a tool
        for position in positions:
            self.tools.click(position)
            self.window.wait()
        self.tools.confirm()
        self.window.wait()


@pytest.fixture
def proofreader(graft_window: Window, tmp_path: Path) -> Proofreader:
    found = Proofreader(graft_window, make_with_result(tmp_path))
    found.open()
    return found


def test_the_results_of_a_project_can_be_chosen_and_the_file_stays_as_it_is(
    proofreader: Proofreader, tmp_path: Path
) -> None:
    assert [one.title for one in proofreader.model.state.choices] == ["cells-segments.tif"]
    assert proofreader.model.state.choices[0].run == "0001"

    proofreader.use("delete", LONE)

    assert not (proofreader.labels == 7).any()
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "cells-segments.tif"), some_objects())


def test_two_clicks_merge_and_the_first_object_is_shown_meanwhile(proofreader: Proofreader) -> None:
    proofreader.tools.choose("merge")
    proofreader.tools.click(LEFT)
    proofreader.window.wait()
    preview = proofreader.tools.state.preview
    assert preview is not None
    assert preview.start == (40, 20)
    assert preview.parts.shape == (20, 30) and preview.parts.all()

    proofreader.tools.click(RIGHT)
    proofreader.window.wait()

    assert proofreader.labels[RIGHT] == 1
    assert proofreader.tools.state.preview is None
    assert proofreader.said == ["Merged objects 1 and 2."]


def test_a_click_in_each_part_previews_a_split_which_is_done_when_it_is_confirmed(
    proofreader: Proofreader,
) -> None:
    proofreader.tools.choose("split")
    for position in ((150, 135), (150, 170)):
        proofreader.tools.click(position)
        proofreader.window.wait()
    preview = proofreader.tools.state.preview
    assert preview is not None and set(np.unique(preview.parts)) == {0, 1, 2}
    np.testing.assert_array_equal(proofreader.labels, some_objects())

    assert proofreader.tools.confirm()
    proofreader.window.wait()

    first, second = proofreader.labels[150, 135], proofreader.labels[150, 170]
    assert (first, second) == (7, 8)
    assert abs(int((proofreader.labels == 7).sum()) - int((proofreader.labels == 8).sum())) < 30


def test_clicks_that_make_no_sense_are_refused_in_words_and_change_nothing(proofreader: Proofreader) -> None:
    proofreader.use("delete", (5, 5))
    proofreader.use("merge", LEFT, LEFT)
    proofreader.use("split", (150, 135), LEFT)

    assert "no object at (5, 5)" in proofreader.refused[0]
    assert "object 1 once more" in proofreader.refused[1]
    assert "another object" in proofreader.refused[2]
    np.testing.assert_array_equal(proofreader.labels, some_objects())
    assert proofreader.model.state.n_edits == 0


def test_edits_undo_and_redo_hold_after_a_restart(proofreader: Proofreader) -> None:
    proofreader.use("merge", LEFT, RIGHT)
    proofreader.use("delete", LONE)
    proofreader.tools.undo()
    proofreader.window.wait()
    assert (proofreader.model.state.undo_tool, proofreader.model.state.redo_tool) == ("merge", "delete")

    proofreader.restart()

    assert proofreader.labels[RIGHT] == 1 and proofreader.labels[LONE] == 7
    assert (proofreader.model.state.undo_tool, proofreader.model.state.redo_tool) == ("merge", "delete")
    proofreader.tools.redo()
    proofreader.window.wait()
    assert proofreader.labels[LONE] == 0
    for _ in range(3):
        proofreader.tools.undo()
        proofreader.window.wait()
    np.testing.assert_array_equal(proofreader.labels, some_objects())
    assert "nothing to undo" in proofreader.said[-1]


def test_undo_first_forgets_a_click_that_waits(proofreader: Proofreader) -> None:
    proofreader.use("delete", LONE)
    proofreader.tools.choose("merge")
    proofreader.tools.click(LEFT)
    proofreader.tools.undo()
    proofreader.window.wait()

    assert proofreader.tools.state.points == ()
    assert proofreader.labels[LONE] == 0


def test_an_edit_that_cannot_be_stored_is_taken_back_and_told_in_words(
    proofreader: Proofreader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StorageError("the disk is full: make room")

    monkeypatch.setattr(atomic, "append_at", refuse)
    proofreader.use("delete", LONE)

    assert proofreader.refused == ["the disk is full: make room"]
    np.testing.assert_array_equal(proofreader.labels, some_objects())
    assert proofreader.model.state.n_edits == 0
    assert proofreader.said == []


def test_a_locked_object_stays_as_it_is_also_after_a_restart_until_it_is_unlocked(
    proofreader: Proofreader,
) -> None:
    proofreader.use("lock", LONE)
    assert proofreader.model.state.locked == (7,)
    proofreader.restart()
    assert proofreader.model.state.locked == (7,)

    for tool in ("delete", "smooth", "split", "merge"):
        proofreader.use(tool, LONE)
    assert all("locked" in words for words in proofreader.refused)
    assert len(proofreader.refused) == 4
    np.testing.assert_array_equal(proofreader.labels, some_objects())

    proofreader.use("lock", LONE)
    proofreader.use("delete", LONE)
    assert proofreader.labels[LONE] == 0


def test_holes_are_filled_and_outlines_smoothed(proofreader: Proofreader) -> None:
    proofreader.labels[45:50, 25:30] = 0
    proofreader.use("fill", LEFT)
    assert (proofreader.labels[45:50, 25:30] == 1).all()
    before = proofreader.labels.copy()
    proofreader.use("smooth", LEFT)
    assert proofreader.labels[40, 20] == 0 and before[40, 20] == 1
    proofreader.use("fill", RIGHT)
    assert proofreader.said[-1] == "Nothing had to be changed."
    assert proofreader.model.state.n_edits == 2


def test_a_result_that_was_written_anew_does_not_get_the_edits_of_the_one_before(
    proofreader: Proofreader, tmp_path: Path
) -> None:
    proofreader.use("delete", LONE)
    proofreader.window.leave()
    tifffile.imwrite(tmp_path / "cells-segments.tif", np.roll(some_objects(), 3, axis=0))

    proofreader.window.open(proofreader.folder)
    proofreader.model.open()
    proofreader.window.wait()

    assert proofreader.model.state.opened is None
    assert "belong to another result" in proofreader.refused[0]
    assert proofreader.model.state.has_unfit_edits
    proofreader.model.open(begins_anew=True)
    proofreader.window.wait()
    assert not proofreader.model.state.has_unfit_edits
    np.testing.assert_array_equal(proofreader.labels, np.roll(some_objects(), 3, axis=0))
    assert list((proofreader.folder / "results").glob("*.edits.old-1"))


def test_how_much_was_done_and_for_how_long_is_kept(proofreader: Proofreader) -> None:
    proofreader.use("merge", LEFT, RIGHT)
    proofreader.use("delete", LONE)
    proofreader.restart()
    proofreader.use("delete", LEFT)
    proofreader.window.leave()

    store = ProofreadingStore(proofreader.folder, proofreader.folder.parent / "cells-segments.tif")
    assert store.read_state().n_actions == 3
    assert store.read_state().seconds > 0
