"""One scene of the benchmark: somebody paints while a job runs, and how late the window answers."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QWidget

from napari_graft._napari.layers import find_layer
from napari_graft._napari.placement import look_at, placed
from napari_graft._napari.project_layers import image_layer
from napari_graft._qt.measuring.person import Person, look_on, wait_until
from napari_graft.core.labels import FIRST_OBJECT
from napari_graft.core.progress import CancelToken, Progress
from napari_graft.jobs.builtin.predict import PredictRequest
from napari_graft.jobs.builtin.train import TrainRequest
from napari_graft.project.opening import open_project

if TYPE_CHECKING:
    from napari import Viewer

    from napari_graft.workbench.workbench import Workbench


_INTERVAL = 5
"""Milliseconds between two ticks."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """Summary of how many milliseconds ticks came late.

    Parameters
    ----------
    n_ticks
        How many came.
    median, p95, p99, largest
        Of how late they were.
    work
        Milliseconds of processor time that the thread of the window took for each drawing of the canvas:
        unlike lateness, it hardly depends on what else the machine does.
    """

    n_ticks: int
    median: float
    p95: float
    p99: float
    largest: float
    work: float


class LatenessMeter(QObject):
    """Timer that asks for a tick every few milliseconds, and notes how late each one comes.

    What keeps the event loop busy (a computation, drawing, a lock of the interpreter that another thread
    holds) makes the next tick late by as much.

    Parameters
    ----------
    canvas
        Whose drawing is counted.
    """

    def __init__(self, canvas: QWidget) -> None:
        super().__init__()
        canvas.installEventFilter(self)
        self._n_frames = 0
        self._worked = 0.0
        self._late: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to note."""
        self._late.clear()
        self._n_frames, self._worked = 0, time.thread_time()
        self._last = time.perf_counter()
        self._timer.start(_INTERVAL)

    def stop(self) -> Lateness:
        """Stop, and sum up what was noted."""
        self._timer.stop()
        work = 1000 * (time.thread_time() - self._worked) / max(1, self._n_frames)
        late = np.asarray(self._late or [0.0])
        median, p95, p99 = (float(value) for value in np.percentile(late, (50, 95, 99)))
        return Lateness(len(self._late), median, p95, p99, float(late.max()), work)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - the name is Qt's
        """Count how often the canvas is drawn."""
        self._n_frames += event.type() == QEvent.Type.Paint
        return False

    def _tick(self) -> None:
        now = time.perf_counter()
        self._late.append(max(0.0, 1000 * (now - self._last) - _INTERVAL))
        self._last = now


Scene = Literal["napari alone", "nothing", "training", "predicting", "training in a thread"]
SCENES: tuple[Scene, ...] = get_args(Scene)
SOURCE = "fly-medulla-fibsem"
_PATIENCE = 240.0
_PAUSE = 0.016
"""Seconds between two moves of the mouse."""


def main(arguments: list[str]) -> None:
    """Play the scene SCENE on the project FOLDER for SECONDS and print what was measured as JSON."""
    scene, folder, seconds = arguments
    if scene not in SCENES:
        raise SystemExit(f"no scene is called {scene!r}")
    print(json.dumps(asdict(play(scene, Path(folder), float(seconds)))), flush=True)
    # A thread that trains cannot be stopped, and its library aborts where the interpreter ends around it.
    os._exit(0)


def play(scene: Scene, folder: Path, seconds: float) -> Lateness:
    """Open a window on a project with a tile to paint, begin what the scene is about, paint, and measure."""
    import napari

    viewer = napari.Viewer()
    viewer.window.resize(1366, 768)
    try:
        if scene == "napari alone":
            return _paint(viewer, _open_without_dock(viewer, folder), seconds)
        return _play_with_dock(scene, viewer, folder, seconds)
    finally:
        viewer.close()


def _play_with_dock(scene: Scene, viewer: Viewer, folder: Path, seconds: float) -> Lateness:
    from napari_graft._qt.shell.docks import GraftDock

    dock = GraftDock(viewer)
    viewer.window.add_dock_widget(dock, name="Graft", area="right")
    dock.workbench.data.open_folder(folder)
    wait_until(lambda: dock.workbench.context.project is not None, seconds=_PATIENCE, what="the project")
    dock.workbench.annotating.next()
    wait_until(lambda: find_layer(viewer, "labels") is not None, seconds=_PATIENCE, what="the tile to paint")
    look_on(1.0)
    try:
        if scene in _WORK:
            is_at_work = _WORK[scene](dock.workbench, 2 * seconds + 60)
            wait_until(is_at_work, seconds=_PATIENCE, what="the first step")
        layer = find_layer(viewer, "labels")
        assert isinstance(layer, Labels)
        return _paint(viewer, layer, seconds)
    finally:
        dock.workbench.close()


def _open_without_dock(viewer: Viewer, folder: Path) -> Labels:
    """Open the same image, and as many pixels to paint in the same place, in napari as it is."""
    with open_project(folder) as project:
        data, arguments, _ = image_layer(project)
        suggestions = project.suggestions()
    assert suggestions is not None
    tile = suggestions.suggestions[0].tile
    image = viewer.add_image(data, **arguments)
    layer = viewer.add_labels(np.zeros(tile.shape, np.uint32), opacity=0.5, **placed(image, tile.start))
    look_at(viewer, image, tile, layer)
    layer.mode = "paint"
    layer.selected_label = FIRST_OBJECT
    look_on(1.0)
    return layer


def _begin_training(bench: Workbench, seconds: float) -> Callable[[], bool]:
    """Train as a click does; say whether it is really at work."""
    bench.training.state.start, bench.training.state.minutes = SOURCE, seconds / 60
    bench.training.train()
    return lambda: bench.training.state.steps > 0


def _begin_predicting(bench: Workbench, seconds: float) -> Callable[[], bool]:
    """Segment the whole image; say whether it is really at work."""
    folder = bench.context.require_project().folder
    request = PredictRequest(
        project=str(folder), source=SOURCE, out=str(folder / "results" / "measured.zarr")
    )
    work = bench.context.run_job(request, lambda _: None)
    return lambda: bool(work.state.fraction)


def _begin_training_here(bench: Workbench, seconds: float) -> Callable[[], bool]:
    """Train in this very process, as a plugin without a worker process does."""
    from napari_graft.jobs.running import run_job

    began = threading.Event()

    def note(progress: Progress) -> None:
        if progress.metrics:
            began.set()

    folder = bench.context.require_project().folder
    request = TrainRequest(project=str(folder), source=SOURCE, seconds=seconds, is_delegate=True)
    threading.Thread(target=lambda: run_job(request, note, CancelToken()), daemon=True).start()
    return began.is_set


_WORK: dict[Scene, Callable[[Workbench, float], Callable[[], bool]]] = {
    "training": _begin_training,
    "predicting": _begin_predicting,
    "training in a thread": _begin_training_here,
}


def _paint(viewer: Viewer, layer: Labels, seconds: float) -> Lateness:
    person = Person(viewer)
    rng, meter, clock = np.random.default_rng(0), LatenessMeter(person.canvas), threading.Event()
    timer = threading.Timer(seconds, clock.set)
    meter.start()
    timer.start()
    while not clock.is_set():
        points = _stroke(layer.data.shape, rng)
        person.stroke(layer, points, pause=_PAUSE)
        look_on(0.1)
    return meter.stop()


def _stroke(shape: tuple[int, ...], rng: np.random.Generator) -> list[list[float]]:
    """Return a wandering line of pixels in the middle slice of a tile."""
    lengths = np.asarray(shape[-2:])
    start = rng.uniform(0.2, 0.8, 2) * lengths
    path = np.clip(start + np.cumsum(rng.normal(0, 6, (20, 2)), axis=0), 2, lengths - 3)
    points: list[list[float]] = np.hstack([np.zeros((len(path), len(shape) - 2)), path]).tolist()
    return points


if __name__ == "__main__":
    main(sys.argv[1:])
