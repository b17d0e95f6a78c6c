from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tiny_loop import SEEN_SET, make_annotated

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.project.opening import open_delegate, open_project
from napari_graft.project.project import Project
from napari_graft.project.run_store import StoredTrial, TrialOutcome
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.training import fitting
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.source_trial import TrialTask, best_outcome
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue

BOTH = ("tiny-neurites", "tiny-nuclei")
pytestmark = pytest.mark.usefixtures("quick_training")


class _KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path_factory.mktemp("trial") / "p.graft", image, labels, structure="nuclei")


@pytest.fixture
def folder(annotated: Path, tmp_path: Path) -> Path:
    shutil.copytree(annotated, tmp_path / "p.graft")
    return tmp_path / "p.graft"


def _try(
    project: Project,
    sources: tuple[str, ...] = BOTH,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
    steps: int = 2,
) -> StoredTrial:
    task = TrialTask(project, Catalogue(), report, cancel or CancelToken())
    return task.run(sources, Budget(None, steps, "cpu"))


def _outcome(source: str, score: float | None, loss: float | None = 0.5) -> TrialOutcome:
    return TrialOutcome(source=source, title=source, score=score, loss=loss, steps=1, seconds=1.0)


@pytest.mark.parametrize(
    ("measure", "scores", "winner"),
    [
        ("vi", [("a", 0.9, 0.1), ("b", 0.4, 0.2)], "b"),
        ("ap50", [("a", 0.9, 0.2), ("b", 0.4, 0.1)], "a"),
        ("ap50", [("a", 0.9, 0.2), ("b", 0.9001, 0.1)], "b"),  # a tie: the loss decides
        ("vi", [("a", None, 0.2), ("b", 0.1, 0.3)], "a"),  # one has no score: the loss decides
        ("vi", [("a", None, None), ("b", None, None)], "a"),  # nothing is held out: the order of the ranking
    ],
)
def test_the_held_out_score_decides_then_the_loss(
    measure: str, scores: list[tuple[str, float | None, float | None]], winner: str
) -> None:
    outcomes = [_outcome(*one) for one in scores]

    assert best_outcome(outcomes, measure).source == winner  # type: ignore[arg-type]  # a literal


def test_the_winner_becomes_the_run_in_use_and_the_scores_of_all_are_kept(folder: Path) -> None:
    seen: list[Progress] = []
    with open_project(folder, write=True) as project:
        trial = _try(project, report=seen.append)

    with open_project(folder) as project:
        assert project.trial.load() == trial
        assert project.trial.trainings.all() == []
        (run,) = project.runs.all()
        assert (trial.winner, trial.run, trial.kept) == ("tiny-nuclei", "0001", True)
        assert [one.source for one in trial.outcomes] == list(BOTH)
        assert trial.measure == "ap50"
        latest = project.latest_run()
        assert latest is not None
        assert (latest.id, latest.record.source, latest.record.steps) == ("0001", "tiny-nuclei", 2)
        won = trial.outcomes[1]
        assert won.loss == run.record.validation["loss"]
        assert won.loss_untouched == run.record.validation["loss_source"]
        assert won.score == run.record.validation["ap50"]
        assert latest.load_weights()
    done = [state.done for state in seen]
    assert done == sorted(done)
    assert {state.total for state in seen} == {100}
    assert done[-1] >= 90


def test_a_trial_trains_and_judges_each_source_as_a_training_alone_does(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "alone.graft")
    with open_project(folder, write=True) as project:
        trial = _try(project)
        tried = project.runs.get("0001")
        weights = tried.load_weights()
    with open_project(tmp_path / "alone.graft", write=True) as project:
        task = TrainingTask(project, Catalogue(), ignore_progress, CancelToken())
        alone = task.run("tiny-nuclei", Budget(None, 2, "cpu"))

        assert alone.validation["loss"] == pytest.approx(trial.outcomes[1].loss)
        assert alone.kept == trial.kept
        for name, value in project.runs.get("0001").load_weights().items():
            np.testing.assert_allclose(weights[name], value, atol=1e-6)
        again = task.run("latest", Budget(None, 1, "cpu"))
    assert again.source == "run 0001"


def test_a_better_run_in_use_stays(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        task = TrainingTask(project, Catalogue(), ignore_progress, CancelToken())
        assert task.run("tiny-nuclei", Budget(None, 12, "cpu")).kept

        trial = _try(project, ("tiny-neurites",), steps=1)

        assert (trial.winner, trial.run, trial.kept) == ("tiny-neurites", "0002", False)
        assert "loss_previous" in project.runs.get("0002").record.validation
        latest = project.latest_run()
        assert latest is not None
        assert latest.id == "0001"


def _in_second(act: object) -> Report:
    def report(state: Progress) -> None:
        if "(2 of 2)" in state.message and "loss" in state.metrics:
            act()  # type: ignore[operator]  # a function

    return report


def test_cancelling_keeps_what_is_finished_and_the_same_trial_goes_on(folder: Path) -> None:
    token = CancelToken()
    with open_project(folder, write=True) as project, pytest.raises(Cancelled):
        _try(project, report=_in_second(token.cancel), cancel=token, steps=50)

    with open_project(folder, write=True) as project:
        stopped = project.trial.load()
        assert stopped is not None
        assert ([one.source for one in stopped.outcomes], stopped.winner) == (["tiny-neurites"], None)
        assert project.runs.all() == []
        assert project.runs.unfinished() is None
        messages: list[str] = []
        with pytest.raises(_KilledError):
            _try(project, report=_stop_in(messages, 2), steps=50)
    assert not [words for words in messages if "(1 of 2)" in words]


def _stop_in(messages: list[str], place: int) -> Report:
    def report(state: Progress) -> None:
        messages.append(state.message)
        if f"({place} of 2)" in state.message and "loss" in state.metrics:
            raise _KilledError

    return report


def test_a_trial_that_was_killed_goes_on_to_the_same_weights(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "undisturbed.graft")
    monkeypatch.setattr(fitting, "TrainConfig", partial(fitting.TrainConfig, checkpoint_seconds=0.0))

    def kill_at_4(state: Progress) -> None:
        # The six steps of the second source lead from 55 to 95 of 100: after four of them it is at 81.7.
        if "loss" in state.metrics and state.done > 81:
            raise _KilledError

    with open_project(folder, write=True) as project:
        with pytest.raises(_KilledError):
            _try(project, report=kill_at_4, steps=6)
        cut_off = project.trial.trainings.unfinished()
        assert cut_off is not None
        assert cut_off.record.source == "tiny-nuclei"
    with open_project(folder, write=True) as project:
        resumed = _try(project, steps=6)
        weights = project.runs.get("0001").load_weights()
    with open_project(tmp_path / "undisturbed.graft", write=True) as project:
        whole = _try(project, steps=6)
        expected = project.runs.get("0001").load_weights()

    assert (resumed.winner, resumed.run) == (whole.winner, whole.run)
    for name, value in expected.items():
        np.testing.assert_allclose(weights[name], value, atol=1e-5)


def test_tiles_painted_since_begin_the_trial_anew(folder: Path, labels: Path) -> None:
    messages: list[str] = []
    with open_project(folder, write=True) as project:
        with pytest.raises(_KilledError):
            _try(project, report=_stop_in([], 2))
        annotate_from_labels(project, open_labels(labels), [Tile((0, 64), (64, 64))])

        trial = _try(project, report=lambda state: messages.append(state.message))

    assert trial.n_tiles == 3
    assert [words for words in messages if "(1 of 2)" in words]


def test_a_delegate_tries_beside_the_writer(folder: Path) -> None:
    with open_project(folder, write=True) as writer:
        with open_delegate(folder) as project:
            trial = _try(project, ("tiny-nuclei",), steps=1)

        assert writer.trial.load() == trial
        latest = writer.latest_run()
        assert latest is not None
        assert latest.id == trial.run


def test_what_cannot_be_tried_is_refused_and_leaves_nothing(
    folder: Path, tmp_path: Path, image: Path
) -> None:
    empty = make_project(tmp_path / "empty.graft", ImageOptions(str(image)))
    with empty as project, pytest.raises(InputError, match="no tile is annotated"):
        _try(project)
    with open_project(folder, write=True) as project:
        with pytest.raises(InputError, match="each once"):
            _try(project, ("tiny-nuclei", "tiny-nuclei"))
        with pytest.raises(InputError, match="each once"):
            _try(project, ())
        with pytest.raises(InputError, match="tiny-nuclei"):
            _try(project, ("tiny-nuclei", "tiny-nucleus"))
        assert project.trial.load() is None
        assert project.runs.all() == []
    with open_project(folder) as project, pytest.raises(InputError, match="open for reading"):
        _try(project, ("tiny-nuclei",), steps=1)


def test_a_source_that_has_seen_the_image_is_told_apart(tmp_path: Path, image: Path, labels: Path) -> None:
    (tmp_path / SEEN_SET).mkdir()
    copy = Path(shutil.copy(image, tmp_path / SEEN_SET))
    told: list[str] = []
    folder = make_annotated(tmp_path / "seen.graft", copy, labels, structure="neurites")
    with open_project(folder, write=True) as project:
        trial = _try(project, ("tiny-neurites",), lambda state: told.append(state.message), steps=1)

    assert trial.measure == "vi"
    assert [words for words in told if words.startswith("note: tiny-neurites was trained on this image")]
