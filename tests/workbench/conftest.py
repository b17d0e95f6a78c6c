from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "session")]

from tiny_loop import (  # noqa: E402, F401 - fixtures, after the path
    eager_worker,
    image,
    labels,
    quick_training,
    sources,
)
from window import Window  # noqa: E402 - the helper module beside this file


@pytest.fixture
def graft_window(few_sources: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """Give a workbench without a window; it sees three sources."""
    # Leave out the waiting for the disk; that it is asked for is tested where it is done.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    window = Window()
    yield window
    window.workbench.close()
