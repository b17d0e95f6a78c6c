"""All between two paintings by one click, and when no more tiles are suggested unasked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_loop import _only_tiny_sources, make_annotated  # noqa: F401 - a fixture
from window import Window

from napari_graft.session.training.learning_curve import CurvePoint
from napari_graft.workbench.annotate.next_round import TRAIN_AND_SUGGEST, TRAIN_ONLY


@pytest.fixture
def window() -> Iterator[Window]:
    made = Window()
    yield made
    made.workbench.close()


@pytest.fixture
def project(tmp_path: Path, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path / "p.graft", image, labels)


@pytest.mark.usefixtures("eager_worker")
def test_one_click_trains_and_suggests_the_next_tiles(window: Window, project: Path) -> None:
    window.open(project)
    bench = window.workbench
    bench.data.state.tile_side = 32
    assert bench.next_round.state.action == TRAIN_AND_SUGGEST
    bench.annotating.state.budget = 2 + 1

    bench.training.state.start = "tiny-nuclei"
    bench.training.state.minutes = 0.02
    bench.next_round.go()
    assert bench.next_round.state.action == ""
    window.wait()

    assert not window.failures
    assert len(bench.training.state.rounds) == 1
    assert bench.annotating.state.queue.n_to_do >= 1
    assert bench.next_round.state.action == ""


def test_the_click_trains_alone_where_the_budget_of_tiles_is_spent(window: Window, project: Path) -> None:
    assert window.workbench.next_round.state.action == ""
    window.open(project)
    budget = window.workbench.annotating.state
    budget.budget = budget.queue.n_done
    assert window.workbench.next_round.state.action == TRAIN_ONLY


def test_rounds_that_gain_little_are_told_and_nothing_is_suggested_unasked(
    window: Window, project: Path
) -> None:
    window.open(project)
    bench = window.workbench
    asked: list[bool] = []
    bench.annotating.suggest = lambda: asked.append(True)  # type: ignore[method-assign]
    flat = [CurvePoint(f"{n:04}", n, 0.0, 0.5, None, None, True, 0.51, None, None) for n in (2, 4)]

    bench.training.state.points = tuple(flat[:1])
    bench.training.round_ready.emit()
    assert (asked, bench.next_round.state.reason_to_stop) == ([True], "")

    bench.training.state.points = tuple(flat)
    bench.training.round_ready.emit()
    assert asked == [True]
    assert "more tiles of this kind will not help much" in bench.next_round.state.reason_to_stop

    bench.annotating.state.is_suggesting = True
    assert bench.next_round.state.reason_to_stop == ""
