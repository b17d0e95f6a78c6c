"""The model of the trial, with true worker processes and no window."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tiny_loop import _only_tiny_sources, make_annotated  # noqa: F401 - a fixture
from window import PATIENCE, Window

from napari_graft.project.documents import RankedEntry, StoredRanking
from napari_graft.project.opening import open_project
from napari_graft.session.training import trial_plan

if TYPE_CHECKING:
    from promises import Promised


BOTH = ("tiny-nuclei", "tiny-neurites")


@pytest.fixture
def project(tmp_path: Path, image: Path, labels: Path) -> Path:
    """Give a project with two annotated tiles, in which two sources were ranked."""
    folder = make_annotated(tmp_path / "p.graft", image, labels, structure="nuclei")
    common = {"structure": "nuclei", "verdict": "near", "z": 5.0, "combined": 0.0}
    entries = [RankedEntry(source=one, title=f"Source {one}", **common) for one in BOTH]
    with open_project(folder, write=True) as opened:
        opened.store_ranking(StoredRanking(entries=tuple(entries)))
    return folder


@pytest.fixture
def window(project: Path) -> Iterator[Window]:
    made = Window()
    made.workbench.trial.refused.connect(made.refusals.append)
    yield made
    made.workbench.close()


def _open_for_a_short_trial(
    window: Window, project: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(trial_plan, "SHORTEST", 0.1)
    window.workbench.trial.state.minutes = 6 * seconds / 60
    window.open(project)


def _wait_until(window: Window, holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < ends, "it did not happen in time"
        window.step()


def test_the_plan_follows_the_budget_and_leads_to_the_tiles_that_are_missing(
    window: Window, project: Path
) -> None:
    trial, bench = window.workbench.trial, window.workbench
    assert trial.state.plan is None
    window.open(project)
    assert trial.state.plan is not None
    assert trial.state.plan.shortlist == BOTH
    assert trial.state.titles == tuple(f"Source {one}" for one in BOTH)
    assert trial.state.plan.n_tiles == 3
    assert trial.state.n_missing == 1

    trial.go_on()
    assert bench.state.tab == "annotate"
    assert not trial.state.is_trying

    bench.annotating.state.budget = 4
    assert trial.state.n_missing == 0
    trial.state.minutes = 1.0
    assert trial.state.plan.shortlist == BOTH[:1]
    bench.context.close_project()
    assert trial.state.plan is None


@pytest.mark.usefixtures("eager_worker")
def test_the_winner_is_chosen_and_the_next_training_goes_on_from_it(
    window: Window, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = window.workbench
    _open_for_a_short_trial(window, project, monkeypatch, seconds=1)
    bench.data.state.tile_side = 40  # leaves room for the tiles that are suggested after the trial
    bench.annotating.state.budget = 4
    bench.trial.go_on()
    assert bench.trial.state.is_trying
    assert bench.state.next.tab == "train"
    window.wait()

    assert window.failures == []
    last = bench.trial.state.last
    assert last is not None
    assert not bench.trial.state.is_trying
    assert [one.source for one in last.outcomes] == list(BOTH)
    assert bench.sources.state.chosen == last.winner
    assert bench.training.state.start == f"run {last.run}" == "run 0001"
    (only,) = bench.training.state.rounds
    assert only.is_in_use
    bench.context.close_project()
    assert bench.trial.state.last is None
    window.open(project)
    assert bench.trial.state.last == last


@pytest.mark.usefixtures("eager_worker")
def test_stopping_takes_a_second_and_keeps_the_source_that_is_done(
    window: Window, project: Path, monkeypatch: pytest.MonkeyPatch, promised: Promised
) -> None:
    bench = window.workbench
    _open_for_a_short_trial(window, project, monkeypatch, seconds=5)
    bench.annotating.state.budget = 4
    bench.trial.go_on()
    (job,) = [one for one in bench.context.jobs.active if one.lane == "long"]
    _wait_until(window, lambda: "(2 of 2)" in job.state.message)
    with promised(2):
        job.cancel()
        _wait_until(window, lambda: not job.state.is_active)

    assert job.state.status == "stopped"
    last = bench.trial.state.last
    assert last is not None
    assert ([one.source for one in last.outcomes], last.winner) == ([BOTH[0]], None)
    assert bench.sources.state.chosen is None
    bench.context.close_project()
    assert bench.context.closing.wait(PATIENCE)
    with open_project(project, write=True) as opened:
        assert opened.runs.all() == []
        assert opened.trial.load() == last
