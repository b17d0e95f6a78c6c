from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from at_work import is_alive
from desk import PATIENCE, SIDE, AnnotateDriver, StuckDraft, make_small_project

from napari_graft.core.labels import BACKGROUND
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.jobs.builtin.device import DeviceRequest
from napari_graft.jobs.registry import JOBS
from napari_graft.project.opening import open_project
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import Lane

if TYPE_CHECKING:
    from promises import Promised


FIRST = Tile((0, 0), (SIDE, SIDE))
Window = tuple[Context, "queue.SimpleQueue[Callable[[], None]]"]


@pytest.fixture
def window() -> Iterator[Window]:
    callbacks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    context = Context(callbacks.put)
    yield context, callbacks
    context.close()


def start_workers(window: Window) -> list[int]:
    """Let both lanes do a job; return the ids of their processes."""
    context, callbacks = window
    lanes: tuple[Lane, ...] = ("long", "short")
    found: list[object] = []
    for lane in lanes:
        with pytest.MonkeyPatch.context() as patch:
            job = replace(JOBS["device"], lane=lane)
            patch.setattr("napari_graft.workbench.context.JOBS.of", lambda request, job=job: job)
            context.run_job(DeviceRequest(device="cpu"), found.append)
    while len(found) < len(lanes):
        callbacks.get(timeout=PATIENCE)()
    processes = [context.process_id(lane) for lane in lanes]
    return [process for process in processes if process is not None]


@pytest.mark.skipif(sys.platform == "win32", reason="processes are stopped by signals")
def test_closing_takes_less_than_two_seconds_though_neither_the_workers_nor_the_disk_answer(
    window: Window, tmp_path: Path, promised: Promised
) -> None:
    context, _ = window
    processes = start_workers(window)
    assert len(processes) == 2
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    draft = StuckDraft(tmp_path / "draft", Tile((0, 0), (4, 4)))
    context.drafts.submit(draft, np.ones((4, 4), np.uint32))

    with promised(2):
        context.close()

    draft.may_go.set()
    assert not any(map(is_alive, processes))


def test_what_was_accepted_a_moment_before_closing_is_kept(tmp_path: Path) -> None:
    folder = make_small_project(tmp_path)
    driver = AnnotateDriver(folder)
    driver.open(FIRST)
    driver.paint(BACKGROUND, (slice(None), slice(None)))
    keep_files_busy(driver.context)
    driver.model.accept()

    driver.close()

    with open_project(folder, write=True) as project:
        assert (project.annotations.read(FIRST).labels == BACKGROUND).all()
        assert project.drafts() == []


def test_what_was_decided_a_moment_before_the_project_closes_is_kept(tmp_path: Path) -> None:
    folder = make_small_project(tmp_path)
    driver = AnnotateDriver(folder)
    driver.open(FIRST)
    keep_files_busy(driver.context)
    driver.model.skip()

    driver.context.close_project()
    assert driver.context.closing.wait(PATIENCE)

    with open_project(folder, write=True) as project:
        assert [queued.state for queued in project.queue().tiles] == ["skipped", "to do", "to do"]
    driver.close()


def keep_files_busy(context: Context) -> None:
    """Start a job on the lane of files that ends when it is asked to."""
    is_busy = threading.Event()

    def wait(report: Report, cancel: CancelToken) -> None:
        is_busy.set()
        while not cancel.is_cancelled:
            time.sleep(0.01)

    context.jobs.start("Reading", wait, lane="files", on_done=lambda _: None)
    assert is_busy.wait(PATIENCE)
