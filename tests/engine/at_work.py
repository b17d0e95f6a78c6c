"""What the tests of the engine need to meet a job at work."""

from __future__ import annotations

import os
from collections.abc import Callable

from napari_graft.core.progress import Progress


def is_alive(process: int) -> bool:
    """Say whether a process is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def at_step(step: int, act: Callable[[], object]) -> Callable[[Progress], None]:
    """Return a listener that acts from a step of a training on."""

    def report(state: Progress) -> None:
        if state.message == "training" and state.done >= step:
            act()

    return report
