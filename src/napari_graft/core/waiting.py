"""How the threads of a numerical library wait for each other."""

from __future__ import annotations

import os


def wait_without_spinning() -> None:
    """Let OpenMP threads sleep while they wait, unless the user's environment says otherwise.

    By default they spin, each on a core. Where another program wants that core, as napari beside a training
    does, the thread that all wait for is not even running: a training step of two threads on two busy cores
    took 8 s, and takes 0.5 s with threads that sleep, for the same work.

    Call it before torch is imported, which reads the environment once.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
