"""Paints at random times until it is killed, and tells on its output what it did and when.

Each line is a JSON list: ``["stroke", time, tile, label, row, column]`` before the stroke is made, and
``["saved", time, tile]`` once the window said so; a tile is told by its start.
"""

from __future__ import annotations

import json
import queue
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from desk import SIDE, AnnotateDriver

LOOK_SECONDS = 0.4
SIZE = 6


def say(*words: object) -> None:
    print(json.dumps(words), flush=True)


class Painter:
    """Paint strokes on the tiles of a window, one after the other.

    Parameters
    ----------
    driver, chance
        Where, and what decides.
    """

    def __init__(self, driver: AnnotateDriver, chance: random.Random) -> None:
        self._driver, self._chance = driver, chance
        self._looked_at = time.monotonic()
        self._label = 1
        self._done_before = [
            queued.tile for queued in driver.model.state.queue.tiles if queued.state == "done"
        ]
        driver.model.set_sparse(True)
        driver.context.tiles_changed.connect(self._tell_saved)
        driver.open(driver.model.state.queue.next_to_do().tile)

    def paint(self) -> None:
        """Paint a stroke, and look at the layer from time to time, as the window does."""
        painting, chance = self._driver.model.state.painting, self._chance
        self._label += 1
        row, column = chance.randrange(SIDE - SIZE), chance.randrange(SIDE - SIZE)
        say("stroke", time.time(), painting.tile.start, self._label, row, column)
        self._driver.labels[..., row : row + SIZE, column : column + SIZE] = self._label
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._driver.note()
            self._looked_at = time.monotonic()

    def rest(self) -> None:
        """Let the window do its work until the next stroke."""
        end = time.monotonic() + self._chance.uniform(0.005, 0.06)
        while (left := end - time.monotonic()) > 0:
            try:
                self._driver.callbacks.get(timeout=left)()
            except queue.Empty:
                break

    def _tell_saved(self) -> None:
        for queued in self._driver.model.state.queue.tiles:
            if queued.state == "done" and queued.tile not in self._done_before:
                say("saved", time.time(), queued.tile.start)


def main(folder: str, seed: str) -> None:
    chance = random.Random(int(seed))
    driver = AnnotateDriver(Path(folder))
    painter = Painter(driver, chance)
    while True:
        painter.paint()
        if chance.random() < 0.02:
            driver.model.accept()
        painter.rest()


if __name__ == "__main__":
    main(*sys.argv[1:])
