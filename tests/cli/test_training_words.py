"""What `train` prints of a training, beside its numbers."""

from __future__ import annotations

import pytest

from napari_graft.cli.training import tell_training
from napari_graft.project.reports import TrainReport

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
