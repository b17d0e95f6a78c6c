"""What is suspicious is found, looked at one after the other, and stays judged after a restart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from desk import make_small_project
from test_proofreading import Proofreader
from window import Window

from napari_graft.project.results import note_written_result

SHAPE = (256, 256)


def discs(*centres: tuple[int, int], radius: float = 14) -> np.ndarray:
    rows, columns = np.indices(SHAPE)
    return np.any([(rows - r) ** 2 + (columns - c) ** 2 < radius**2 for r, c in centres], axis=0)


def make_with_bridge(folder: Path, *, with_other: bool = False) -> Path:
    """Make a project with a result of discs, two of which hang together, and one that lacks one."""
    project = make_small_project(folder, with_queue=False)
    objects = np.zeros(SHAPE, np.uint32)
    places = [(30 + 50 * i, 30 + 60 * j) for i in range(3) for j in range(4)]
    for number, place in enumerate(places, 1):
        objects[discs(place, radius=9 + 2 * (number % 6))] = number  # none is an outlier
    truth = np.where(objects == 12, 0, objects)
    objects[discs((200, 100), (200, 126))], truth[discs((200, 100))], truth[discs((200, 126))] = 20, 20, 21
    results = {"other.tif": truth} if with_other else {}
    for name, labels in (results | {"objects.tif": objects}).items():
        tifffile.imwrite(folder / name, labels)
        note_written_result(project, folder / name, "0001", int(labels.max()))
    return project


@pytest.fixture
def proofreader(graft_window: Window, tmp_path: Path) -> Proofreader:
    found = Proofreader(graft_window, make_with_bridge(tmp_path))
    found.open()
    assert found.model.state.chosen is not None and found.model.state.chosen.title == "objects.tif"
    return found


def test_the_bridge_is_found_first_and_the_split_that_is_proposed_fixes_it(proofreader: Proofreader) -> None:
    review = proofreader.window.workbench.review
    shown: list[tuple[int, ...]] = []
    review.shown.connect(lambda suspicion: shown.append(suspicion.ids))
    review.find()
    assert review.state.is_finding
    proofreader.window.wait()
    assert not review.state.is_finding
    assert review.state.entries[0].suspicion.ids == (20,)
    assert "worth a look" in proofreader.said[-1]

    review.next()
    assert shown == [(20,)]
    entry = next(one for one in review.state.entries if one.suspicion.seeds)
    proofreader.tools.propose_split(entry.suspicion.seeds)
    proofreader.window.wait()
    proofreader.tools.confirm()
    proofreader.window.wait()

    assert len({int(proofreader.labels[200, 100]), int(proofreader.labels[200, 126])}) == 2
    assert review.state.entries[0].verdict == "fixed"
    assert review.state.n_seen == 1
    proofreader.tools.undo()
    proofreader.window.wait()
    assert review.state.n_seen == 0


def test_verdicts_hold_after_a_restart_and_the_next_one_is_open(proofreader: Proofreader) -> None:
    review = proofreader.window.workbench.review
    review.find()
    proofreader.window.wait()
    n = len(review.state.entries)
    assert n >= 1
    review.next()
    review.accept()
    proofreader.window.wait()
    assert review.state.entries[0].verdict == "accepted"

    proofreader.restart()

    assert len(review.state.entries) == n
    assert [one.verdict for one in review.state.entries].count("accepted") == 1
    review.next()
    assert review.state.current != 0 or n == 1
    proofreader.window.wait()
    if n == 1:
        assert proofreader.said[-1] == "All of them are looked at."


def test_a_question_is_answered_by_yes_which_merges(proofreader: Proofreader) -> None:
    from napari_graft.project.suspicions import SuspicionRecord
    from napari_graft.workbench.proofread.review import ReviewEntry

    review = proofreader.window.workbench.review
    question = SuspicionRecord(
        ids=(1, 2), reason="weak border", words="weak", position=(30, 60), start=(10, 10),
        shape=(40, 100), score=1.0,
    )  # fmt: skip
    review.state.entries = (ReviewEntry(question),)
    review.next()

    review.join()
    proofreader.window.wait()

    assert proofreader.labels[30, 90] == 1
    assert review.state.entries[0].verdict == "fixed"
    assert review.state.n_seen == 1


def test_a_locked_object_is_not_suspicious(proofreader: Proofreader) -> None:
    proofreader.use("lock", (200, 100))
    review = proofreader.window.workbench.review
    review.find()
    proofreader.window.wait()
    assert all(one.suspicion.ids != (20,) for one in review.state.entries)


def test_what_another_result_sees_otherwise_is_suspicious(graft_window: Window, tmp_path: Path) -> None:
    proofreader = Proofreader(graft_window, make_with_bridge(tmp_path, with_other=True))
    proofreader.open()
    assert (
        proofreader.model.state.chosen is not None and proofreader.model.state.chosen.title == "objects.tif"
    )
    review = graft_window.workbench.review

    review.find()
    graft_window.wait()

    assert ((12,), "disagreement") in [
        (one.suspicion.ids, one.suspicion.reason) for one in review.state.entries
    ]
