"""What was corrected in one round stays in the result of the next one; collisions are listed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

sys.path.insert(0, str(Path(__file__).parent))

from test_proofreading import LEFT, LONE, RIGHT, Proofreader, make_with_result, some_objects
from window import Window

from napari_graft.project.results import note_written_result


def second_round() -> np.ndarray:
    """Return two objects of the first round, numbered anew, and a large one at the third."""
    labels = np.zeros((256, 256), np.uint32)
    first = some_objects()
    labels[first == 1], labels[first == 2] = 4, 5
    labels[140:200, 145:230] = 6  # holds a part of what was object 7
    return labels


@pytest.fixture
def proofreader(graft_window: Window, tmp_path: Path) -> Proofreader:
    project = make_with_result(tmp_path)
    found = Proofreader(graft_window, project)
    found.open()
    found.use("merge", LEFT, RIGHT)
    found.use("lock", LONE)
    tifffile.imwrite(tmp_path / "second.tif", second_round())
    note_written_result(project, tmp_path / "second.tif", "0002", 3)
    found.restart()
    return found


def open_second(proofreader: Proofreader) -> None:
    (choice,) = [one for one in proofreader.model.state.choices if one.title == "second.tif"]
    proofreader.model.choose(choice)
    proofreader.model.open()
    proofreader.window.wait()


def test_locked_and_corrected_objects_are_brought_over_and_collisions_listed(
    proofreader: Proofreader,
) -> None:
    carrying, review = proofreader.window.workbench.carrying, proofreader.window.workbench.review
    open_second(proofreader)
    assert carrying.state.source is not None
    assert carrying.state.source.title == "cells-segments.tif"

    carrying.take()
    proofreader.window.wait()

    labels = proofreader.labels
    merged, lone = int(labels[LEFT]), int(labels[LONE])
    assert labels[RIGHT] == merged and merged not in (4, 5)
    np.testing.assert_array_equal(labels == lone, some_objects() == 7)
    assert not np.isin(labels, (4, 5)).any()
    assert proofreader.model.state.locked == (lone,)
    assert carrying.state.source is None
    assert "2 objects brought over; 1 that they collide" in proofreader.said[-1]
    first = review.state.entries[0].suspicion
    assert (first.ids, first.reason) == ((6,), "collision")
    assert some_objects()[first.position] == 7

    proofreader.restart()
    open_second(proofreader)
    assert carrying.state.source is None
    assert review.state.entries[0].suspicion.reason == "collision"
    np.testing.assert_array_equal(proofreader.labels == lone, some_objects() == 7)

    proofreader.tools.undo()
    proofreader.window.wait()
    np.testing.assert_array_equal(proofreader.labels, second_round())
    assert carrying.state.source is not None
    carrying.take()
    proofreader.window.wait()
    assert proofreader.model.state.locked == (int(proofreader.labels[LONE]),)


def test_an_earlier_result_is_not_given_objects_of_a_later_one(proofreader: Proofreader) -> None:
    (choice,) = [one for one in proofreader.model.state.choices if one.title == "cells-segments.tif"]
    proofreader.model.choose(choice)
    proofreader.model.open()
    proofreader.window.wait()
    assert proofreader.window.workbench.carrying.state.source is None
    proofreader.window.workbench.carrying.take()
    assert proofreader.model.state.n_edits == 1
