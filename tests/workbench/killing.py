"""Kill a process that paints at a random moment, and look for what must be there afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from desk import SIDE
from painter_process import SIZE

from napari_graft.core.tile import Tile
from napari_graft.project.project import Project

LOST_AT_MOST = 2.0
PROCESS = Path(__file__).with_name("painter_process.py")
PATIENCE = 120.0
Said = list[list]


class Victim:
    """Start a process that tells what it does, a JSON list a line, and kill it.

    Parameters
    ----------
    program, arguments
        What is run.
    """

    def __init__(self, program: Path, *arguments: object) -> None:
        self.said: Said = []
        self._heard = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, str(program), *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        for line in self._process.stdout:
            if line.endswith("\n"):
                with self._heard:
                    self.said.append(json.loads(line))
                    self._heard.notify_all()
        with self._heard:
            self.said.append(["ended"])
            self._heard.notify_all()

    def wait_for(self, word: str) -> None:
        """Wait until it says a word."""
        with self._heard:
            is_heard = self._heard.wait_for(
                lambda: {word, "ended"} & {entry[0] for entry in self.said}, PATIENCE
            )
        assert is_heard, f"it did not say {word!r} in time"
        assert ["ended"] not in self.said, "it ended by itself"

    def live(self, seconds: float) -> None:
        """Let it go on: the kill falls at a moment that has nothing to do with what it does."""
        threading.Event().wait(seconds)

    @property
    def id(self) -> int:
        """Its id."""
        return self._process.pid

    def kill(self, others: Sequence[int] = ()) -> tuple[Said, float]:
        """Kill it, right after `others`; return what it said, and when that was."""
        for process in others:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        killed_at = time.time()
        os.kill(self.id, signal.SIGKILL)
        self._process.wait()
        self._listener.join()
        return [entry for entry in self.said if entry != ["ended"]], killed_at


def paint_and_kill(folder: Path, seed: int, program: Path = PROCESS) -> tuple[Said, float]:
    """Return what the painter said until it was killed, and when that was."""
    victim = Victim(program, folder, seed)
    try:
        victim.wait_for("stroke")
        victim.live(random.Random(seed).uniform(0.2, 5.0))
    finally:
        outcome = victim.kill()
    return outcome


def states_after_each_stroke(strokes: Said, start: list[int]) -> list[tuple[float, np.ndarray]]:
    labels = np.zeros((SIDE, SIDE), np.uint32)
    states = [(0.0, labels.copy())]
    for _, when, where, label, row, column in strokes:
        if where == start:
            labels[row : row + SIZE, column : column + SIZE] = label
            states.append((when, labels.copy()))
    return states


def check_nothing_is_lost(project: Project, said: Said, killed_at: float) -> None:
    """Check that accepted tiles are there, and all strokes but those of the last two seconds."""
    strokes = [entry for entry in said if entry[0] == "stroke"]
    saved = [entry[2] for entry in said if entry[0] == "saved"]
    annotated = project.annotations.tiles()
    for start in {tuple(entry[2]) for entry in said if entry[0] in ("stroke", "saved")}:
        tile = Tile(start, (1,) * (len(start) - 2) + (SIDE, SIDE))
        draft = project.draft(tile).restore()
        found = [draft] if draft is not None else []
        if tile in annotated:
            found.append(project.annotations.read(tile).labels)
        assert tile in annotated or list(start) not in saved
        # What is there is the tile after some stroke, and none that followed is older than allowed.
        states = states_after_each_stroke(strokes, list(start))
        kept = [_place_of(one.reshape(SIDE, SIDE), states) for one in found]
        lost = [killed_at - when for when, _ in states[max(kept, default=0) + 1 :]]
        assert max(lost, default=0) <= LOST_AT_MOST


def _place_of(labels: np.ndarray, states: list[tuple[float, np.ndarray]]) -> int:
    """Return after which stroke a tile was as it is, 0 for none."""
    places = [i for i, (_, state) in enumerate(states) if np.array_equal(state, labels)]
    assert places, "the tile never was like that"
    return max(places)
