"""What `train` prints of a training, beside its numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_graft.cli.commands.training import tell_training
from napari_graft.core.progress import CancelToken, Report
from napari_graft.engine import client
from napari_graft.project.reports import TrainReport
from napari_graft.session.projects.creation import ImageOptions, make_project

Graft = Callable[..., Any]

RESULT = TrainReport(
    run="0001",
    source="fly",
    n_tiles=4,
    steps=60,
    seconds=9.0,
    device="cpu",
    stopped_by="steps",
    validation={"loss": 0.3, "ap": 0.5},
    kept=True,
    resumed=False,
)


def _told(capsys: pytest.CaptureFixture[str], **changes: object) -> list[str]:
    tell_training(RESULT.model_copy(update=changes))
    return capsys.readouterr().out.splitlines()[9:]


def test_what_is_kept_whole_needs_no_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert _told(capsys) == []


def test_why_a_part_is_kept_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert _told(capsys, choice="kept half of the way") == ["kept half of the way"]


def test_a_worse_model_is_told_from_one_that_had_nothing_to_learn(capsys: pytest.CaptureFixture[str]) -> None:
    (worse,) = _told(capsys, kept=False)
    assert "worse on the held-out part" in worse
    assert _told(capsys, kept=False, note="no object is painted") == ["note: no object is painted"]


class _StoppedWhileItMeasures:
    """Engine of a training that had ended by itself when somebody pressed Ctrl+C."""

    def __enter__(self) -> _StoppedWhileItMeasures:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def run(self, request: object, *, report: Report, cancel: CancelToken) -> TrainReport:
        cancel.cancel()
        return RESULT


def test_a_command_that_was_stopped_while_it_measured_prints_and_says_so(
    graft: Graft, tmp_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path / "p.graft", ImageOptions(str(image))).close()
    monkeypatch.setattr(client, "Engine", _StoppedWhileItMeasures)

    answer = graft("train", tmp_path / "p.graft", "--json")

    assert answer.code == 130
    assert json.loads(answer.out)["run"] == "0001"
