"""Paints in a workbench, as a window does, and accepts, trains or predicts beside it, until it is killed.

It says what `painter_process` says, and more: ``["busy"]`` once it is at the work that it was started for,
``["round", id]`` for a training and ``["written"]`` for a prediction that the window told finished.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from desk import SIDE, AnnotateDriver
from painter_process import Painter, say

from napari_graft.workbench.annotate.model import AnnotatingModel
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob
from napari_graft.workbench.workbench import Workbench

SOURCE = "tiny-nuclei"
ACCEPT = {"painting": 0.0, "accepting": 0.15, "training": 0.0, "predicting": 0.02}
"""How probable it is that a tile is accepted after a stroke; one more would keep a training from resuming."""


class Window(AnnotateDriver):
    """Hold a whole workbench."""

    def make_models(self, source: str | None) -> tuple[Context, AnnotatingModel]:
        self.bench = Workbench(self.callbacks.put)
        self.bench.data.state.tile_side = SIDE
        return self.bench.context, self.bench.annotating


def train(window: Window, chance: random.Random) -> None:
    model = window.bench.training
    model.state.events.steps.connect(lambda n: say("busy") if n == 1 else None, max_args=1)
    model.state.events.rounds.connect(lambda rounds: [say("round", one.run_id) for one in rounds], max_args=1)
    # Some are killed while they learn, others while they end, or while what comes next is made.
    model.state.minutes = chance.choice((0.5, 2, 600)) / 60
    model.state.stops_when_flat = False
    model.state.start = SOURCE
    model.train()


def predict(window: Window, out: Path) -> None:
    window.bench.results.written.connect(lambda *_: say("written"))

    def tell(job: RunningJob[object]) -> None:
        if job.lane == "long":
            job.progressed.connect(lambda progress: say("busy") if progress.message == "segmenting" else None)

    window.context.jobs.started.connect(tell)
    window.bench.results.segment_whole(out)


def main(folder: str, seed: str, phase: str, out: str) -> None:
    chance = random.Random(int(seed))
    window = Window(Path(folder))
    painter = Painter(window, chance)
    if phase == "training":
        train(window, chance)
    elif phase == "predicting":
        predict(window, Path(out))
    else:
        say("busy")
    while True:
        painter.paint()
        if chance.random() < ACCEPT[phase]:
            window.model.accept()
        elif chance.random() < 0.02:
            window.model.next()
        painter.rest()


if __name__ == "__main__":
    main(*sys.argv[1:])
