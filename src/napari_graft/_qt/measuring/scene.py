"""One scene of the benchmark: a window in which somebody paints while something is under way."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from napari.layers import Labels

from napari_graft._napari.layers import find_layer
from napari_graft._qt.measuring.lateness import Lateness, LatenessMeter
from napari_graft._qt.measuring.person import Person, look_on, wait_until
from napari_graft.core.progress import CancelToken, Progress
from napari_graft.engine.protocol import PredictJob, TrainJob

if TYPE_CHECKING:
    from napari_graft._qt.graft_dock import GraftDock

Scene = Literal["nothing", "training", "predicting", "training in a thread"]
SCENES: tuple[Scene, ...] = get_args(Scene)
SOURCE = "fly-medulla-fibsem"
_PATIENCE = 120.0
_PAUSE = 0.016
"""Seconds between two moves of the mouse."""


def main(arguments: list[str]) -> None:
    """Play the scene SCENE on the project FOLDER for SECONDS and print what was measured as JSON."""
    scene, folder, seconds = arguments
    if scene not in SCENES:
        raise SystemExit(f"no scene is called {scene!r}")
    print(json.dumps(asdict(play(scene, Path(folder), float(seconds)))))


def play(scene: Scene, folder: Path, seconds: float) -> Lateness:
    """Open a window on a project with a tile to paint, begin what the scene is about, paint, and measure."""
    import napari

    from napari_graft._qt.graft_dock import GraftDock

    viewer = napari.Viewer()
    viewer.window.resize(1366, 768)
    dock = GraftDock(viewer)
    viewer.window.add_dock_widget(dock, name="Graft", area="right")
    dock.workbench.data.open_folder(folder)
    wait_until(lambda: dock.workbench.context.project is not None, seconds=_PATIENCE, what="the project")
    dock.workbench.annotating.next()
    wait_until(lambda: find_layer(viewer, "labels") is not None, seconds=_PATIENCE, what="the tile to paint")
    look_on(1.0)
    _begin(scene, dock, seconds)
    try:
        return _paint(dock, seconds)
    finally:
        dock.workbench.close()
        viewer.close()


def _begin(scene: Scene, dock: GraftDock, seconds: float) -> None:
    """Begin what the scene is about, and wait until it is really at work."""
    context = dock.workbench.context
    folder, is_at_work = str(context.require_project().folder), threading.Event()

    def note(progress: Progress) -> None:
        if progress.metrics or progress.done:
            is_at_work.set()

    train = TrainJob(project=folder, source=SOURCE, seconds=2 * seconds + 60, is_delegate=True)
    if scene == "training":
        context.run_engine("Training", train, lane="long", on_done=lambda _: None, on_progress=note)
    elif scene == "predicting":
        out = str(context.require_project().folder / "results" / "measured.zarr")
        predict = PredictJob(project=folder, source=SOURCE, out=out)
        context.run_engine("Predicting", predict, lane="long", on_done=lambda _: None, on_progress=note)
    elif scene == "training in a thread":
        threading.Thread(target=_train_here, args=(train, note), daemon=True).start()
    if scene != "nothing":
        wait_until(is_at_work.is_set, seconds=_PATIENCE, what="the first step")


def _train_here(job: TrainJob, note: object) -> None:
    """Train in this very process, as a plugin without a worker process does."""
    from napari_graft.engine.tasks import run_task

    run_task(job, note, CancelToken())  # type: ignore[arg-type]  # a thread takes its arguments untyped


def _paint(dock: GraftDock, seconds: float) -> Lateness:
    person, layer = Person(dock.viewer), find_layer(dock.viewer, "labels")
    assert isinstance(layer, Labels)
    rng, meter, clock = np.random.default_rng(0), LatenessMeter(), threading.Event()
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
