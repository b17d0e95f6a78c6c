"""A process that corrects objects is killed at random moments: all that the window said was done is there."""

from __future__ import annotations

import random
import sys
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from killing import Victim
from test_proofreading import Proofreader, make_with_result, some_objects
from window import Window

PROCESS = Path(__file__).with_name("proofreader_process.py")


def correct_and_kill(folder: Path, seed: int) -> list[list]:
    """Return what the process said until it was killed."""
    victim = Victim(PROCESS, folder, seed)
    try:
        victim.wait_for("did")
        victim.live(random.Random(seed).uniform(0.05, 4.0))
    finally:
        said, _ = victim.kill()
    return said


def check(window: Window, folder: Path, said: list[list]) -> None:
    """Open the result: it is as it was told last, or one step further, which was on its way to be told."""
    proofreader = Proofreader(window, folder)
    proofreader.open()
    opened = proofreader.model.state.opened
    assert opened is not None and not opened.notes
    _, n_done, n_undone, n_locked, checksum = said[-1]
    journal = opened.journal
    found = (journal.n_done, len(opened.objects.locked), zlib.crc32(opened.objects.labels.tobytes()))
    assert found == (n_done, n_locked, checksum) or (
        abs(found[0] - n_done) + abs(found[1] - n_locked) <= 1 and journal.n_undone <= n_undone + 1
    )
    for _ in range(journal.n_done):
        proofreader.tools.undo()
        proofreader.window.wait()
    assert zlib.crc32(opened.objects.labels.tobytes()) == zlib.crc32(some_objects().tobytes())
    assert proofreader.refused == []


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_proofreader_loses_nothing_that_was_told(
    graft_window: Window, tmp_path: Path, seed: int
) -> None:
    folder = make_with_result(tmp_path)
    check(graft_window, folder, correct_and_kill(folder, seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 200))
def test_a_hundred_kills_lose_nothing(graft_window: Window, tmp_path: Path, seed: int) -> None:
    folder = make_with_result(tmp_path)
    check(graft_window, folder, correct_and_kill(folder, seed))
