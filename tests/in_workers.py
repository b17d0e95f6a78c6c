"""What worker processes of tests do before anything else, so that they see less and train in small steps."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import indent

import pytest

QUICK_TRAINING = """
from napari_graft.segmentation import calibrate
from napari_graft.session.training import fitting
fitting.PATCH, fitting.BATCH = {2: (64, 64), 3: (8, 32, 32)}, {2: 2, 3: 1}
fitting.SHARES, calibrate.STAGES = (0.0, 0.5, 1.0), ()
"""
"""Small patches, few points on the way to the trained weights, and no tuned decoding."""

SAVE_EVERY_STEP = """
from functools import partial
from napari_graft.session.training import fitting
fitting.TrainConfig = partial(fitting.TrainConfig, checkpoint_seconds=0.0)
"""


def only_in_workers(code: str) -> str:
    """Return code that does nothing but in a worker process."""
    return f'import sys\nif "napari_graft.engine" in sys.orig_argv:\n{indent(code, "    ")}\n'


def run_in_workers(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the workers that are started from now on run some code; it is kept in `folder`."""
    site = folder / "in-workers"
    site.mkdir(exist_ok=True)
    with (site / "sitecustomize.py").open("a", encoding="utf-8") as file:
        file.write(only_in_workers(code))
    known = [str(Path(one).resolve()) for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    paths = [str(site), *(one for one in known if one != str(site))]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


@pytest.fixture
def quick_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let worker processes train in small steps."""
    run_in_workers(QUICK_TRAINING, tmp_path, monkeypatch)
