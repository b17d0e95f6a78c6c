from __future__ import annotations

import io
import json
import signal
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from napari_graft.cli import console
from napari_graft.cli.console import print_json, progress
from napari_graft.cli.types import parse_duration
from napari_graft.core.errors import InputError
from napari_graft.core.progress import Progress, note
from napari_graft.session.projects import creation

Graft = Callable[..., Any]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60", 60.0), ("60s", 60.0), ("2m", 120.0), ("2 min", 120.0), ("1.5h", 5400.0), (" 0.5s ", 0.5)],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-3s", "0", "2 days", "1:30", "nan", "1e3s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="for example 60s"):
        parse_duration(text)


def test_numbers_that_json_does_not_know_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": ({"d": -float("inf")},)})

    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5], "c": [{"d": None}]}


def test_notes_stay_on_a_terminal_when_the_bar_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(console, "stderr", Console(file=screen, force_terminal=True, width=80))
    with progress() as (report, _):
        report(note("one source was left out"))
        report(Progress(1, 2, "ranking"))

    assert "note: one source was left out\n" in screen.getvalue()
    assert "starting" in screen.getvalue()


def test_notes_stand_alone_and_memory_has_its_unit(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as (report, _):
        report(Progress(0, None, "note: one source was left out", {"memory_mb": 375.4}, phase="note"))
        report(Progress(1, 2, "training", {"loss": 0.5, "memory_mb": 375.4}))

    assert capsys.readouterr().err.splitlines() == [
        "note: one source was left out",
        "training 1 of 2  loss 0.500  memory 375 MB",
    ]


def test_progress_goes_to_stderr_one_line_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as (report, _):
        for done in range(100):
            report(Progress(done, 100, "training", {"loss": 0.5}))
        report(Progress(100, 100, "measuring"))

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == ["training 0 of 100  loss 0.500", "measuring 100 of 100"]


def test_ctrl_c_asks_the_job_to_stop_and_a_second_one_ends_the_program() -> None:
    before = signal.getsignal(signal.SIGINT)
    with progress() as (_, cancel):
        signal.raise_signal(signal.SIGINT)
        assert cancel.is_cancelled
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupted_command_ends_with_130_and_a_word(
    graft: Graft, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(folder: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(creation, "describe_project", interrupted)

    answer = graft("info", "p.graft", "--json")

    assert (answer.code, answer.out) == (130, "")
    assert "what was finished is kept" in answer.err
