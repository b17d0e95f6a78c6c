from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))
sys.path.insert(0, str(Path(__file__).parent))

from in_process import EngineHere
from tiny_loop import (  # noqa: F401 - fixtures
    _only_tiny_sources,
    eager_worker,
    image,
    labels,
    quick_training,
    sources,
)

from napari_graft.cli.app import run
from napari_graft.engine import client


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that is all of stdout."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    def refuses(self, *words: str) -> bool:
        """Check that the command named what is wrong in one or two lines, and wrote no result."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        assert self.code == 2, self.err
        assert self.out == ""
        assert lines[-1].startswith("error: ") or lines[-2].startswith("error: "), self.err
        message = " ".join(lines[-2:])
        assert "Traceback" not in self.err
        assert all(word in message for word in words), message
        return len(lines) <= 2


Graft = Callable[..., Answer]


@pytest.fixture
def graft(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Graft:
    """Run a command and its work in this process: `graft("info", folder, "--json")`."""
    monkeypatch.setattr(client, "Engine", EngineHere)

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return call


@pytest.fixture
def engine_here(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Train in this process, which spares the start of a worker."""
    request.getfixturevalue("quick_training")
    monkeypatch.setattr(client, "Engine", EngineHere)
