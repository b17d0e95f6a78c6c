"""A process that paints is killed at random moments: what is older than two seconds is there afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desk import make_small_project
from painter_process import SIZE

from napari_graft.project.opening import open_project

LOST_AT_MOST = 2.0
PROCESS = Path(__file__).with_name("painter_process.py")


def paint_and_kill(folder: Path, seed: int, program: Path = PROCESS) -> tuple[list[list], float]:
    """Return what the painter said until it was killed, and when that was."""
    process = subprocess.Popen(
        [sys.executable, str(program), str(folder), str(seed)], stdout=subprocess.PIPE, text=True
    )
    said: list[list] = []
    is_ready = threading.Event()

    def listen() -> None:
        for line in process.stdout:
            if line.endswith("\n"):
                said.append(json.loads(line))
                is_ready.set()

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        assert is_ready.wait(60)
        # Painting goes on meanwhile: the kill falls at a moment that has nothing to do with it.
        threading.Event().wait(random.Random(seed).uniform(0.2, 5.0))
    finally:
        killed_at = time.time()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        listener.join()
    return said, killed_at


def states_after_each_stroke(strokes: list[list], tile: int) -> list[tuple[float, np.ndarray]]:
    labels = np.zeros((64, 64), np.uint32)
    states = [(0.0, labels.copy())]
    for _, when, where, label, row, column in strokes:
        if where == tile:
            labels[row : row + SIZE, column : column + SIZE] = label
            states.append((when, labels.copy()))
    return states


def check_nothing_is_lost(folder: Path, said: list[list], killed_at: float) -> None:
    strokes = [entry for entry in said if entry[0] == "stroke"]
    with open_project(folder, write=True) as project:
        annotated = project.annotations.tiles()
        tiles = [queued.tile for queued in project.queue().tiles]
        for entry in said:
            if entry[0] == "saved":
                assert tiles[entry[2]] in annotated
        for index, tile in enumerate(tiles):
            states = states_after_each_stroke(strokes, index)
            draft = project.draft(tile).restore()
            found = [draft] if draft is not None else []
            if tile in annotated:
                found.append(project.annotations.read(tile).labels)
            # What is there is the tile after some stroke, and none that followed is older than allowed.
            kept = max(
                (i for i, (_, state) in enumerate(states) for one in found if np.array_equal(state, one)),
                default=0,
            )
            lost = [killed_at - when for when, _ in states[kept + 1 :]]
            assert max(lost, default=0) <= LOST_AT_MOST


@pytest.mark.parametrize("seed", range(3))
def test_killed_painter_loses_no_accepted_tile_and_no_stroke_older_than_two_seconds(
    tmp_path: Path, seed: int
) -> None:
    folder = make_small_project(tmp_path)
    said, killed_at = paint_and_kill(folder, seed)
    assert len(said) > 1

    check_nothing_is_lost(folder, said, killed_at)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 150))
def test_fifty_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    folder = make_small_project(tmp_path)
    said, killed_at = paint_and_kill(folder, seed)

    check_nothing_is_lost(folder, said, killed_at)
