"""Objects that are proofread are measured as they are now, and what a plot shows of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_proofreading import Proofreader, make_with_result
from window import Window


@pytest.fixture
def proofreader(graft_window: Window, tmp_path: Path) -> Proofreader:
    found = Proofreader(graft_window, make_with_result(tmp_path))
    found.open()
    return found


def test_objects_are_measured_with_what_was_corrected_and_forgotten_with_the_result(
    proofreader: Proofreader,
) -> None:
    measuring = proofreader.window.workbench.measuring
    ids, sizes = np.unique(proofreader.labels[proofreader.labels > 0], return_counts=True)
    gone = int(ids[0])
    proofreader.use("delete", tuple(np.argwhere(proofreader.labels == gone)[0].tolist()))
    measuring.measure()
    assert measuring.state.is_measuring
    proofreader.window.wait()

    columns = measuring.state.columns
    assert not measuring.state.is_measuring
    assert columns["label"].tolist() == ids[1:].tolist()
    assert columns["n_pixels"].tolist() == sizes[1:].tolist()
    assert "intensity_mean" in measuring.names and "label" not in measuring.names
    assert not any(name.startswith(("box", "centroid")) for name in measuring.names)

    shown = measuring.histogram("n_pixels")
    assert shown.counts.sum() == len(ids) - 1
    assert shown.edges[[0, -1]].tolist() == [sizes[1:].min(), sizes[1:].max()]
    found, x, y = measuring.points("n_pixels", "intensity_mean")
    assert found.tolist() == ids[1:].tolist() and x.tolist() == sizes[1:].tolist() and np.isfinite(y).all()

    asked: list[int] = []
    measuring.chosen.connect(asked.append)
    measuring.choose(int(ids[1]))
    measuring.choose(gone)
    assert asked == [ids[1]] and "measure again" in proofreader.refused[-1]
    proofreader.tools.undo()
    proofreader.window.wait()
    assert measuring.state.is_old
    proofreader.model.close()
    assert measuring.state.columns == {}
