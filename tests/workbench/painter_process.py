"""Paints at random times until it is killed, and tells on its output what it did and when.

Each line is a JSON list: ``["stroke", time, tile, label, row, column]`` before the stroke is made, and
``["saved", time, tile]`` once the window said so.
"""

from __future__ import annotations

import json
import queue
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from desk import Desk

LOOK_SECONDS = 0.4
SIZE = 6


def say(*words: object) -> None:
    print(json.dumps(words), flush=True)


def main(folder: str, seed: str) -> None:
    chance = random.Random(int(seed))
    desk = Desk(Path(folder))
    desk.model.set_sparse(True)
    tiles = [queued.tile for queued in desk.model.state.queue.tiles]
    desk.context.tiles_changed.connect(
        lambda: [
            say("saved", time.time(), tiles.index(queued.tile))
            for queued in desk.model.state.queue.tiles
            if queued.state == "done"
        ]
    )
    desk.open(tiles[0])
    say("ready", time.time())
    looked_at = time.monotonic()
    label = 1
    while True:
        painting = desk.model.state.painting
        label += 1
        row, column = chance.randrange(64 - SIZE), chance.randrange(64 - SIZE)
        say("stroke", time.time(), tiles.index(painting.tile), label, row, column)
        desk.labels[row : row + SIZE, column : column + SIZE] = label
        if time.monotonic() - looked_at > LOOK_SECONDS:
            desk.note()
            looked_at = time.monotonic()
        if chance.random() < 0.02 and len(tiles) > 1:
            desk.model.accept()
        end = time.monotonic() + chance.uniform(0.005, 0.06)
        while (left := end - time.monotonic()) > 0:
            try:
                desk.callbacks.get(timeout=left)()
            except queue.Empty:
                break


if __name__ == "__main__":
    main(*sys.argv[1:])
