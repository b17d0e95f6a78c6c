"""The model of the tab Train, with true worker processes and no window."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
import zarr
from tiny_loop import _only_tiny_sources, make_annotated, make_source  # noqa: F401 - a fixture

from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.project.opening import open_project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources import catalogue
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.workbench.train.model import BUSY, NO_PROJECT, NO_TILES
from napari_graft.workbench.workbench import Workbench

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals")


if TYPE_CHECKING:
    from promises import Promised


MINUTES = 0.02
"""So short that a training ends after a few steps."""


class Window:
    """Stand for a window that shows a workbench: callbacks run while the test waits."""

    def __init__(self) -> None:
        self.callbacks: queue.Queue[Callable[[], None]] = queue.Queue()
        self.bench = Workbench(self.callbacks.put)
        self.refusals: list[str] = []
        self.n_ready = 0
        self.bench.training.refused.connect(self.refusals.append)
        self.bench.results.refused.connect(self.refusals.append)
        self.bench.training.round_ready.connect(self._count)

    def _count(self) -> None:
        self.n_ready += 1

    def wait_until(self, holds: Callable[[], bool], seconds: float = 120) -> None:
        ends = time.monotonic() + seconds
        while not holds():
            left = ends - time.monotonic()
            assert left > 0, "it did not happen in time"
            try:
                self.callbacks.get(timeout=min(left, 0.1))()
            except queue.Empty:
                continue

    def wait_for_round(self) -> None:
        before = self.n_ready
        self.wait_until(lambda: self.n_ready > before and not self.bench.context.jobs.active)

    @property
    def worker(self) -> int:
        process = self.bench.context._engines["long"].process_id
        assert process is not None
        return process


@pytest.fixture
def window() -> Iterator[Window]:
    made = Window()
    yield made
    made.bench.close()


@pytest.fixture
def project(tmp_path: Path, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path / "p.graft", image, labels)


def open_in(window: Window, folder: Path) -> None:
    window.bench.context.take(open_project(folder, write=True))


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_training_says_what_is_missing(window: Window, tmp_path: Path, image: Path) -> None:
    training = window.bench.training
    assert training.state.obstacle == NO_PROJECT

    make_project(tmp_path / "empty.graft", ImageOptions(str(image))).close()
    open_in(window, tmp_path / "empty.graft")
    training.train()

    assert training.state.obstacle == NO_TILES
    assert window.refusals == [NO_TILES]
    assert not training.state.is_training


def test_a_start_is_offered_for_each_source_the_chosen_and_the_nearest_first(
    window: Window, project: Path
) -> None:
    open_in(window, project)
    training = window.bench.training
    window.bench.sources.choose("tiny-neurites")
    titles = [start.title for start in training.state.starts]
    assert "Source tiny-neurites (chosen)" in titles
    assert "Source tiny-nuclei" in titles, "no source has a rank before there is a ranking"
    training.offer_sources(["tiny-neurites", "tiny-nuclei", "ancestor-generated"], None)
    assert [start.reference for start in training.state.starts] == [
        "tiny-neurites",
        "tiny-nuclei",
        "ancestor-generated",
        "scratch",
    ]

    training.offer_sources(["tiny-neurites", "tiny-nuclei", "ancestor-generated"], "tiny-nuclei")

    assert [start.title for start in training.state.starts] == [
        "Source tiny-nuclei (chosen)",
        "Source tiny-neurites (rank 1)",
        "Source ancestor-generated (rank 3)",
        "from scratch",
    ]
    assert training.state.start == "tiny-nuclei"


@pytest.mark.usefixtures("eager_worker")
def test_rounds_are_trained_segmented_kept_and_rolled_back_and_are_there_after_reopening(
    window: Window, project: Path
) -> None:
    open_in(window, project)
    training, results = window.bench.training, window.bench.results
    training.offer_sources([], "tiny-nuclei")
    training.state.minutes = MINUTES
    training.state.start = "tiny-neurites"

    training.train()
    window.wait_until(lambda: training.state.steps > 0)
    assert training.state.is_training
    assert training.curve.loss
    assert training.state.memory_mb is not None
    window.wait_for_round()

    first = training.state.rounds[0]
    assert [model.who for model in first.models] == ["new", "source"]
    assert first.start == "Source tiny-neurites"
    assert first.is_no_worse == first.is_kept
    training.keep("0001", is_kept=True)
    if results.state.shown is None:
        window.wait_for_round()
    shown = results.state.results[0]
    segments = zarr.open_array(shown.labels / "0", mode="r")
    assert segments.shape == shown.record.shape == (128, 128)
    assert int(np.max(segments[:])) == shown.record.n_objects
    assert 0 <= float(np.max(zarr.open_array(shown.uncertainty / "0", mode="r")[:])) <= 1
    assert training.state.start == "run 0001"
    assert training.state.starts[0].title == "round 1 (in use)"

    training.train()
    window.wait_for_round()
    second = training.state.rounds[1]
    assert second.start == "round 1"
    assert [model.who for model in second.models] == ["new", "previous", "source"]
    # The untouched source is measured on the same held-out part as in the first round.
    assert second.models[2].loss == pytest.approx(first.models[1].loss)
    training.keep("0002", is_kept=False)
    assert results.state.shown == "0001"
    assert [one.is_in_use for one in training.state.rounds] == [True, False]
    assert len(training.state.points) == 2
    assert training.state.advice

    window.bench.close()
    again = Window()
    open_in(again, project)
    try:
        assert again.bench.training.state.rounds == training.state.rounds
        assert again.bench.results.state.shown == "0001"
        assert again.bench.training.curve.held_out
    finally:
        again.bench.close()


@pytest.mark.usefixtures("eager_worker")
def test_a_training_that_was_cut_off_is_offered_and_gone_on_with(window: Window, project: Path) -> None:
    open_in(window, project)
    training = window.bench.training
    training.state.start = "tiny-nuclei"
    training.train()
    window.wait_until(lambda: training.state.steps >= 3)

    os.kill(window.worker, signal.SIGKILL)
    window.wait_until(lambda: not training.state.is_training)

    unfinished = training.state.unfinished
    assert unfinished is not None
    assert unfinished.steps >= 2
    training.go_on()
    window.wait_until(lambda: training.state.steps > unfinished.steps)
    assert training.state.unfinished is None
    training.stop()
    window.wait_until(lambda: bool(training.state.rounds))
    (last,) = training.state.rounds
    assert last.run_id == "0001"
    assert last.stopped_by == "cancel"
    assert last.steps > unfinished.steps


@pytest.mark.usefixtures("eager_worker")
def test_closing_while_training_ends_the_process_within_two_seconds(
    window: Window, project: Path, promised: Promised
) -> None:
    open_in(window, project)
    training = window.bench.training
    training.state.start = "tiny-nuclei"
    training.train()
    window.wait_until(lambda: training.state.steps >= 2)
    process = window.worker

    with promised(2):
        window.bench.close()

    assert not is_alive(process)
    again = Window()
    open_in(again, project)
    try:
        # Either it had the time to keep its best, or it can be gone on with.
        reopened = again.bench.training.state
        assert reopened.unfinished is not None or reopened.rounds[0].stopped_by == "cancel"
    finally:
        again.bench.close()


@pytest.mark.usefixtures("eager_worker")
def test_the_device_is_named_by_the_worker(window: Window, project: Path) -> None:
    training = window.bench.training
    training.find_device()
    assert not window.bench.context.jobs.active, "without a project nobody asks"
    open_in(window, project)

    training.find_device()
    window.wait_until(lambda: training.state.device is not None)

    device = training.state.device
    assert device is not None
    assert device.name
    assert device.n_cores >= 1
    assert device.is_gpu == (device.memory_mb is not None)


@pytest.mark.usefixtures("eager_worker", "quick_training")
def test_the_whole_image_goes_into_a_file_once_there_is_a_round(
    window: Window, project: Path, tmp_path: Path
) -> None:
    results = window.bench.results
    out = tmp_path / "segments.tif"
    open_in(window, project)
    results.segment_whole(out)
    assert "choose a source in the tab Sources, or train" in window.refusals[0]
    opened = window.bench.context.require_project()
    task = TrainingTask(opened, Catalogue(), ignore_progress, CancelToken())
    run = task.run("tiny-nuclei", Budget(None, 2, "cpu")).run
    opened.runs.keep(run, True)
    window.bench.context.runs_changed.emit()
    assert results.state.missing == run
    written: list[tuple[Path, int]] = []
    results.written.connect(lambda path, n_objects: written.append((path, n_objects)))

    results.segment_whole(out)
    assert results.state.is_segmenting
    window.wait_until(lambda: bool(written) and not results.state.is_segmenting)

    segments = tifffile.imread(out)
    assert segments.shape == (128, 128)
    assert written == [(out, segments.max())]


def tick_two(window: Window) -> None:
    for source in ("tiny-nuclei", "tiny-neurites"):
        window.bench.sources.tick(source, True)


def test_ticked_sources_are_not_merged_before_a_tile_is_painted(
    window: Window, tmp_path: Path, image: Path
) -> None:
    make_project(tmp_path / "empty.graft", ImageOptions(str(image))).close()
    open_in(window, tmp_path / "empty.graft")
    refused: list[str] = []
    window.bench.sources.refused.connect(refused.append)
    tick_two(window)

    window.bench.merge_ticked()

    assert refused == [NO_TILES]
    assert window.bench.state.tab != "train"
    assert not window.bench.training.state.is_training


def test_sources_that_cannot_be_merged_are_refused_before_anything_starts(
    tmp_path: Path, project: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_source(tmp_path / "more" / "wide", "wide", spec=ModelSpec(widths=(8, 24)), structure="nuclei")
    folders = [(sources, "user"), (tmp_path / "more", "user")]
    monkeypatch.setattr(catalogue, "default_folders", lambda: folders)
    window = Window()
    refused: list[str] = []
    try:
        open_in(window, project)
        window.bench.sources.refused.connect(refused.append)
        for source in ("tiny-nuclei", "wide"):
            window.bench.sources.tick(source, True)

        window.bench.merge_ticked()

        assert len(refused) == 1
        assert all(words in refused[0] for words in ("'tiny-nuclei'", "'wide'", "widths"))
        assert window.bench.state.tab != "train"
        assert not window.bench.training.state.is_training
    finally:
        window.bench.close()


@pytest.mark.usefixtures("eager_worker")
def test_a_merge_is_a_round_that_says_what_it_is_made_of_and_goes_on_after_the_worker_was_killed(
    window: Window, project: Path
) -> None:
    open_in(window, project)
    training, refused = window.bench.training, []
    window.bench.sources.refused.connect(refused.append)
    training.state.minutes = 10
    training.merge_options.set("method", "probing")
    tick_two(window)
    window.bench.merge_ticked()
    assert window.bench.state.tab == "train"
    window.wait_until(lambda: training.state.steps > 2)
    assert training.curve.loss
    window.bench.merge_ticked()
    assert refused == [BUSY]

    os.kill(window.worker, signal.SIGKILL)
    window.wait_until(lambda: training.state.unfinished is not None)
    unfinished = training.state.unfinished
    assert unfinished is not None
    assert unfinished.merge is not None
    assert unfinished.merge.method == "probing"
    training.merge_options.set("method", "average")  # what was begun goes on as it was begun
    training.go_on()
    window.wait_until(lambda: training.state.steps > unfinished.steps)
    training.stop()
    window.wait_until(lambda: bool(training.state.rounds))

    (merged,) = training.state.rounds
    assert merged.made_of is not None
    rows = [row.title for row in window.bench.sources.state.rows if row.id.startswith("tiny")]
    assert list(merged.made_of.titles) == rows
    assert sum(merged.made_of.shares) == pytest.approx(1)
    assert merged.steps > unfinished.steps
    window.wait_until(lambda: not window.bench.context.jobs.active)
