"""The commands on projects in which one file was damaged: done, or refused in words."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from complete_project import complete
from tiny_loop import make_annotated

from fuzzing import mutate

pytestmark = pytest.mark.usefixtures("engine_here")

COMMANDS = (
    "info {p} --json",
    "suggest {p} --n 1 --tile 32 --strategy random",
    "annotate {p} --labels {labels}",
    "rank {p} --json",
    "train {p} --source tiny-nuclei --steps 1 --device cpu",
    "predict {p} --run latest --out {out} --overwrite",
)
N_LONG, N_SHORT, SLICE = 200, 3, 20
"""Projects to damage: in the long run, in the short one, and in one test of the long run."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    return complete(make_annotated(tmp_path_factory.mktemp("whole") / "p.graft", image, labels))


def _files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def _run_all(graft: Callable[..., Any], folder: Path, labels: Path, what: str) -> None:
    names = {"p": folder, "labels": labels, "out": folder.parent / "out.tif"}
    for command in COMMANDS:
        answer = graft(*(part.format(**names) for part in command.split()))
        assert answer.code in (0, 2), f"{what}, {command}: {answer.err}"
        assert "Traceback" not in answer.err, f"{what}, {command}: {answer.err}"
        assert answer.code == 0 or "error: " in answer.err, f"{what}, {command}: {answer.err}"


def _fuzz(graft: Callable[..., Any], whole: Path, tmp_path: Path, labels: Path, seeds: range) -> None:
    names = _files(whole)
    for seed in seeds:
        name = names[seed % len(names)]
        folder = tmp_path / str(seed) / "p.graft"
        shutil.copytree(whole, folder)
        if seed % 5 == 4:
            (folder / name).unlink()
            os.mkfifo(folder / name)
        else:
            (folder / name).write_bytes(mutate((folder / name).read_bytes(), seed))
        _run_all(graft, folder, labels, f"{name}, seed {seed}")
        shutil.rmtree(folder.parent)


def test_no_command_ends_in_a_traceback_on_a_damaged_project(
    graft: Callable[..., Any], whole: Path, tmp_path: Path, labels: Path
) -> None:
    _fuzz(graft, whole, tmp_path, labels, range(N_SHORT))


def test_info_tells_of_a_journal_and_of_a_record_that_are_missing(
    graft: Callable[..., Any], whole: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "p.graft"
    shutil.copytree(whole, folder)
    (folder / "journal.jsonl").unlink()
    min((folder / "annotations").glob("*.json")).unlink()

    assert graft("info", folder).code == 0

    assert "journal.jsonl' is missing" in caplog.text
    assert "have lost their record" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("first", range(N_SHORT, N_LONG, SLICE))
def test_no_command_ends_in_a_traceback_on_many_damaged_projects(
    graft: Callable[..., Any], whole: Path, tmp_path: Path, labels: Path, first: int
) -> None:
    _fuzz(graft, whole, tmp_path, labels, range(first, min(first + SLICE, N_LONG)))
