from __future__ import annotations

import sys
from pathlib import Path

import pytest

tests = Path(__file__).parents[1]
sys.path[:0] = [str(Path(__file__).parent), str(tests / "session"), str(tests / "sources"), str(tests)]

from foreign import bright_package, edges_package  # noqa: E402, F401 - a fixture
from made_sources import make_source  # noqa: E402, F401 - a fixture
from tiny_loop import _only_tiny_sources, image, labels, sources  # noqa: E402, F401 - a fixture

from napari_graft.core.errors import InputError  # noqa: E402
from napari_graft.core.progress import CancelToken  # noqa: E402
from napari_graft.exchange import add, sandbox  # noqa: E402
from napari_graft.sources.source import Source  # noqa: E402


@pytest.fixture(autouse=True)
def trial_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Try networks in this process, which spares the start of another; `test_trial` starts them."""

    def try_here(source: Source, cancel: CancelToken) -> None:
        refusal = sandbox.run_once(source.path)
        if refusal is not None:
            raise InputError(refusal)

    if "own_process" not in request.fixturenames:
        monkeypatch.setattr(add, "try_source", try_here)


@pytest.fixture
def own_process() -> None:
    """Let networks be tried in a process of their own, as users do."""
