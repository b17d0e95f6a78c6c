"""Rounds that go on by themselves: until a budget is spent, or more tiles would not help."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from napari_graft.annotation.journal import JournalEntry
from napari_graft.cli.app import run
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.io import open_labels
from napari_graft.project.auto import AutoPlan, StoredAuto
from napari_graft.project.opening import open_project
from napari_graft.session.active.cost import painting_cost
from napari_graft.session.active.rounds import AutoTask
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.training.learning_curve import CurvePoint, reason_to_stop
from napari_graft.sources.catalogue import Catalogue

PLAN = AutoPlan(
    labels="labels.tif",
    n_tiles=4,
    per_round=2,
    seconds=None,
    steps=2,
    source="tiny-nuclei",
    strategy="auto",
    seed=0,
    tile=32,
)

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture
def folder(tmp_path: Path, image: Path) -> Path:
    make_project(tmp_path / "p.graft", ImageOptions(str(image), structure="nuclei")).close()
    return tmp_path / "p.graft"


def go(
    folder: Path,
    labels: Path,
    plan: AutoPlan = PLAN,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
) -> StoredAuto:
    with open_project(folder, write=True) as project:
        task = AutoTask(
            project, open_labels(labels), plan, Catalogue(), report, cancel or CancelToken(), "cpu"
        )
        return task.run()


def test_rounds_go_on_until_the_tiles_are_painted(folder: Path, labels: Path) -> None:
    found = go(folder, labels)

    assert (found.ended_by, found.source) == ("tiles", "tiny-nuclei")
    assert "All 4 tiles" in found.words
    assert [one.n_tiles for one in found.rounds] == [2, 4]
    assert all(one.painting_seconds > 0 and one.n_objects > 0 < one.border for one in found.rounds)
    with open_project(folder) as project:
        assert len(project.annotations.tiles()) == 4
        assert [run.record.n_tiles for run in project.runs.all()] == [2, 4]
        assert [run.record.settings["seed"] for run in project.runs.all()] == [1, 2]
    again = go(folder, labels)
    assert again.ended_by == "tiles"
    assert again.rounds == ()


def test_a_run_that_was_cut_off_goes_on_without_painting_anew(folder: Path, labels: Path) -> None:
    class Killed(BaseException):
        pass

    def kill_in_the_second_training(state: Progress) -> None:
        if state.message.startswith("round 2: ") and state.phase == "training":
            raise Killed

    with pytest.raises(Killed):
        go(folder, labels, report=kill_in_the_second_training)
    with open_project(folder) as project:
        painted = project.annotations.tiles()
    assert len(painted) == 4

    found = go(folder, labels)
    assert [one.n_tiles for one in found.rounds] == [2, 4]
    with open_project(folder) as project:
        assert project.annotations.tiles() == painted
        assert len([run for run in project.runs.all() if run.is_finished]) == 2


def test_cancelling_keeps_what_is_finished(folder: Path, labels: Path) -> None:
    token = CancelToken()

    def stop_in_the_second_round(state: Progress) -> None:
        if state.message.startswith("round 2: looking at tiles"):
            token.cancel()

    with pytest.raises(Cancelled):
        go(folder, labels, report=stop_in_the_second_round, cancel=token)
    found = go(folder, labels)
    assert [one.n_tiles for one in found.rounds] == [2, 4]


def test_the_time_and_the_image_end_it_too(folder: Path, labels: Path) -> None:
    spent = go(folder, labels, PLAN.model_copy(update={"seconds": 0.001}))
    assert (spent.ended_by, spent.rounds) == ("time", ())
    full = go(folder, labels, PLAN.model_copy(update={"n_tiles": 100, "per_round": 12, "steps": 1}))
    assert full.ended_by in ("no tiles", "flat")
    assert len(full.rounds) >= 2


def test_a_plan_without_anything_to_do_is_refused(folder: Path, labels: Path) -> None:
    with pytest.raises(InputError, match="0 tiles, 2 a round"):
        go(folder, labels, PLAN.model_copy(update={"n_tiles": 0}))
    with pytest.raises(InputError, match="no strategy is called 'best'"):
        go(folder, labels, PLAN.model_copy(update={"strategy": "best"}))
    with open_project(folder) as project:
        assert not project.annotations.tiles()


def point(n_tiles: int, before: float, after: float) -> CurvePoint:
    return CurvePoint(f"{n_tiles:04}", n_tiles, 0.0, None, after, None, True, None, before, None)


def test_two_rounds_that_gain_little_are_a_reason_to_stop_and_one_is_none() -> None:
    good, flat, worse = point(4, 1.0, 0.5), point(8, 0.5, 0.49), point(12, 0.49, 0.6)
    assert reason_to_stop([good, flat], "neurites") == ""
    words = reason_to_stop([good, flat, worse], "neurites")
    assert "last two rounds gained less than 5% of the VI" in words
    assert "more tiles of this kind will not help much" in words
    assert reason_to_stop([flat], "neurites") == reason_to_stop([], "neurites") == ""
    counted = [replace(one, vi=None, vi_before=None, ap50=0.7, ap50_before=0.69) for one in (good, flat)]
    assert "less than 0.05 of AP50" in reason_to_stop(counted, "nuclei")


def test_the_cost_of_painting_is_learned_from_the_journal(folder: Path, labels: Path) -> None:
    go(folder, labels, PLAN.model_copy(update={"n_tiles": 2}))
    with open_project(folder, write=True) as project:
        assert painting_cost(project).n_timed == 0
        tile = project.annotations.tiles()[0]
        details: dict[str, str | int | float | bool | None] = {
            "start": str(tile.start),
            "shape": str(tile.shape),
            "seconds": 90.0,
        }
        project.journal.append(JournalEntry(who="me", what="accept tile", details=details))
        assert painting_cost(project).n_timed == 1


def test_the_command_prints_its_rounds_as_json(
    folder: Path, labels: Path, eager_worker: None, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--tiles",
        "2",
        "--per-round",
        "1",
        "--steps",
        "2",
        "--tile",
        "32",
        "--device",
        "cpu",
        "--json",
    ]
    code = run(["auto", str(folder), "--labels", str(labels), "--source", "tiny-nuclei", *options])

    out, err = capsys.readouterr()
    assert code == 0, err
    found = json.loads(out)
    assert (found["stopped_by"], found["n_tiles"], found["source"]) == ("tiles", 2, "tiny-nuclei")
    assert [one["n_tiles"] for one in found["rounds"]] == [1, 2]
