from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from tiny_loop import SEEN_SET, make_annotated

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.progress import NOTE, CancelToken, Progress, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.io.weights import save_tensors
from napari_graft.nets.build import trainable
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.reports import TrainReport
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.models import load_model
from napari_graft.session.ranking.rank import candidate_sources, rank_nearest_kind, rank_sources
from napari_graft.session.training import fitting
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import TrainingTask
from napari_graft.session.training.validation import Judgement, Predictions
from napari_graft.sources.catalogue import Catalogue
from napari_graft.training.weight_averaging import SHARES


class _KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path_factory.mktemp("train") / "p.graft", image, labels, structure="nuclei")


@pytest.fixture
def folder(annotated: Path, tmp_path: Path) -> Path:
    shutil.copytree(annotated, tmp_path / "p.graft")
    return tmp_path / "p.graft"


pytestmark = pytest.mark.usefixtures("quick_training")


def _train(
    project: Project,
    source: str = "tiny-nuclei",
    budget: Budget | None = None,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
) -> TrainReport:
    task = TrainingTask(project, Catalogue(), report, cancel or CancelToken())
    return task.run(source, budget or Budget(None, 2, "cpu"))


def test_a_run_is_recorded_with_what_made_it_and_becomes_the_model_in_use(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        report = _train(project)

        run = project.runs.get(report.run)
        assert (report.run, report.source, report.n_tiles, report.steps) == ("0001", "tiny-nuclei", 2, 2)
        assert (report.stopped_by, report.device, report.resumed) == ("steps", "cpu", False)
        assert {"loss", "vi", "ap50", "loss_source"} <= report.validation.keys()
        assert run.record.settings["steps"] == 2
        assert {"foreground_threshold", "attraction_bias", "min_size"} <= run.record.decode.keys()
        assert not run.checkpoint_path.exists()
        latest = project.latest_run()
        assert (latest is not None) == report.kept


def test_the_best_source_of_the_ranking_is_taken(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        assert _train(project, "best").source == "tiny-nuclei"


@pytest.mark.parametrize("structure", ["nuclei", "neurites", "axons", "mitochondria", None])
def test_to_find_the_best_only_those_are_looked_at_that_can_come_first(
    tmp_path: Path, image: Path, labels: Path, structure: str | None
) -> None:
    told: list[Progress] = []
    sources = candidate_sources(Catalogue())
    folder = make_annotated(tmp_path / "p.graft", image, labels, structure=structure)
    with open_project(folder) as project:
        best = rank_nearest_kind(project, sources, report=told.append, cancel=CancelToken())[0]
        ranked = rank_sources(project, sources, report=ignore_progress, cancel=CancelToken())

    assert (best.source.id, best.score) == (ranked[0].source.id, ranked[0].score)
    n_looked_at = sum(state.partial is not None for state in told)
    assert n_looked_at == (1 if structure in ("nuclei", "neurites", "axons") else len(sources))


def test_a_source_that_has_seen_the_image_is_not_taken_as_the_best_but_by_its_name(
    tmp_path: Path, image: Path, labels: Path
) -> None:
    (tmp_path / SEEN_SET).mkdir()
    copy = Path(shutil.copy(image, tmp_path / SEEN_SET))
    told: list[str] = []
    with open_project(
        make_annotated(tmp_path / "seen.graft", copy, labels, structure="neurites"), write=True
    ) as project:
        best = _train(project, "best", report=lambda state: told.append(state.message))
        named = _train(project, "tiny-neurites")

    assert (best.source, named.source) == ("tiny-nuclei", "tiny-neurites")
    assert len([message for message in told if "left out" in message and "tiny-neurites" in message]) == 1


def test_a_bad_new_model_is_not_kept_and_the_previous_stays_in_use(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        first = _train(project, budget=Budget(None, 6, "cpu"))
        assert first.kept
        good = project.runs.get("0001").load_weights()

        # Within a run the best weights are kept, so only a bad start can end up worse.
        second = _train(project, "tiny-neurites")

        assert second.validation["ap"] < second.validation["ap_previous"]
        assert not second.kept
        latest = project.latest_run()
        assert latest is not None
        assert latest.id == "0001"
        np.testing.assert_array_equal(*(w["head.weight"] for w in (latest.load_weights(), good)))
        assert project.runs.get("0002").is_finished


def test_training_on_from_the_run_in_use_never_leaves_a_worse_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_project(folder, write=True) as project:
        first = _train(project)
        monkeypatch.setattr(fitting, "RATE_ADAPTED", 5.0)  # wrecks any network

        second = _train(project, "latest")

        assert (second.source, second.run) == ("run 0001", "0002")
        assert second.validation["ap"] >= first.validation["ap"] - 1e-3
        assert project.runs.get("0002").record.parent == "0001"


def _kill_at(step: int) -> Report:
    def report(state: Progress) -> None:
        if state.message == "training" and state.done >= step:
            raise _KilledError

    return report


def _killed(project: Project, monkeypatch: pytest.MonkeyPatch, source: str = "tiny-nuclei") -> None:
    monkeypatch.setattr(fitting, "TrainConfig", partial(fitting.TrainConfig, checkpoint_seconds=0.0))
    with pytest.raises(_KilledError):
        _train(project, source, Budget(None, 6, "cpu"), _kill_at(4))


def test_a_run_that_was_cut_off_goes_on_to_the_same_weights_as_an_undisturbed_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "undisturbed.graft")
    with open_project(folder, write=True) as project:
        _killed(project, monkeypatch)
        assert not project.runs.get("0001").is_finished
        assert project.latest_run() is None

        report = _train(project, budget=Budget(None, 6, "cpu"))

        assert (report.resumed, report.run, report.steps) == (True, "0001", 6)
        resumed = project.runs.get("0001").load_weights()
    with open_project(tmp_path / "undisturbed.graft", write=True) as project:
        _train(project, budget=Budget(None, 6, "cpu"))
        whole = project.runs.get("0001").load_weights()
    for name, value in whole.items():
        np.testing.assert_allclose(resumed[name], value, atol=1e-5)


def test_another_source_seed_or_tile_begins_a_new_run(
    folder: Path, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(None, 1, "cpu")
    with open_project(folder, write=True) as project:
        _killed(project, monkeypatch)
        copies = [folder.with_name(f"copy{i}.graft") for i in range(3)]
        for copy in copies:
            shutil.copytree(folder, copy)
    with open_project(copies[0], write=True) as project:
        assert _train(project, "tiny-neurites", budget).run == "0002"
    with open_project(copies[1], write=True) as project:
        assert _train(project, "tiny-nuclei", replace(budget, seed=1)).run == "0002"
    with open_project(copies[2], write=True) as project:
        annotate_from_labels(project, open_labels(labels), [Tile((0, 64), (64, 64))])
        assert _train(project, "tiny-nuclei", budget).run == "0002"


@pytest.mark.parametrize("source", ["best", "tiny-nuclei"])
def test_what_was_asked_as_best_resumes_as_best_and_by_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    with open_project(folder, write=True) as project:
        _killed(project, monkeypatch, "best")

        assert _train(project, source, Budget(None, 6, "cpu")).resumed


def test_cancelling_leaves_a_finished_run_with_the_best_weights(folder: Path) -> None:
    token = CancelToken()

    def stop_in_step_2(state: Progress) -> None:
        if state.message == "training" and state.done == 2:
            token.cancel()

    with open_project(folder, write=True) as project:
        report = _train(project, budget=Budget(None, 50, "cpu"), report=stop_in_step_2, cancel=token)

        assert (report.stopped_by, report.steps) == ("cancel", 2)
        assert report.validation["loss"] <= report.validation["loss_source"] + 1e-3
        assert report.kept
        assert project.runs.get("0001").is_finished
        assert {"vi", "ap50", "vi_source", "ap50_source"} <= report.validation.keys()
        assert report.note == ""


@pytest.mark.parametrize("at_once", [True, False])
def test_cancelling_while_the_finished_network_is_measured_keeps_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    token = CancelToken()
    calibrate = fitting.calibrate_model

    def cancelled_meanwhile(*arguments: object) -> object:
        token.cancel(at_once=at_once)
        return calibrate(*arguments)  # type: ignore[arg-type]

    with open_project(folder, write=True) as project:
        task = TrainingTask(project, Catalogue(), ignore_progress, token)
        fit = fitting.Fitting.fit

        def fit_and_measure(self: fitting.Fitting, *arguments: object) -> fitting.Fitted:
            monkeypatch.setattr(fitting, "calibrate_model", cancelled_meanwhile)
            return fit(self, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(fitting.Fitting, "fit", fit_and_measure)
        report = task.run("tiny-nuclei", Budget(None, 2, "cpu"))

        # Nothing is left to stop but the measuring, and who asks for the end at once goes without.
        assert (report.steps, report.stopped_by) == (2, "cancel" if at_once else "steps")
        assert project.runs.get("0001").is_finished
        assert report.validation["loss"] > 0
        assert ("vi" in report.validation) != at_once
        assert report.note == project.runs.get("0001").record.note
        assert ("no scores but the loss" in report.note) == at_once


def test_what_is_stopped_before_its_first_step_replaces_nothing(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        _train(project)
        token = CancelToken()
        reported: list[Progress] = []
        task = TrainingTask(project, Catalogue(), reported.append, token)
        judge = fitting.Fitting.fit

        def cancel_then_fit(self: fitting.Fitting, *arguments: object) -> fitting.Fitted:
            token.cancel()
            return judge(self, *arguments)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fitting.Fitting, "fit", cancel_then_fit)
            report = task.run("scratch", Budget(None, 5, "cpu"))

        assert (report.steps, report.kept) == (0, False)
        latest = project.latest_run()
        assert latest is not None
        assert latest.id == "0001"


@pytest.mark.parametrize(
    ("source", "budget", "words"),
    [
        ("no-such-source", lambda: Budget(None, 2), "no source is called 'no-such-source'"),
        ("tiny-nuclei", lambda: Budget(None, 0), "0 steps are not a training"),
        ("tiny-nuclei", lambda: Budget(None, None), "needs a time budget or a number of steps"),
        ("tiny-nuclei", lambda: Budget(-1.0, None), "must be positive"),
        ("tiny-nuclei", lambda: Budget(None, 1, seed=-1), "seed -1 is negative"),
        ("tiny-nuclei", lambda: Budget(1.0, 2, "tpu"), "device 'tpu' is unknown"),
        ("run 0009", lambda: Budget(None, 2), "no run '0009'"),
        ("latest", lambda: Budget(None, 2), "no finished run"),
    ],
)
def test_what_cannot_be_trained_leaves_no_run_behind(
    folder: Path, source: str, budget: Callable[[], Budget], words: str
) -> None:
    with open_project(folder, write=True) as project:
        with pytest.raises(InputError, match=words):
            _train(project, source, budget())

        assert project.runs.all() == []
        assert list((folder / "runs").iterdir()) == []


def _use_sure_of_itself(project: Project) -> None:
    """Put a model in use that is far too sure of what it says: a training that ruins it has a lower loss."""
    model = load_model("tiny-nuclei", project, Catalogue())
    weights = dict(model.network.stored_weights())
    weights |= {name: weights[name] * np.float32(6) for name in ("head.weight", "head.bias")}
    spec = trainable(model.network, model.name).spec
    run = project.new_run("tiny-nuclei", spec, n_tiles=2)
    save_tensors(run.weights_path, weights, {"run": run.id})
    decode = {name: float(value) for name, value in asdict(DecodeSettings()).items()}
    run.finish(steps=1, stopped_by="steps", kept=True, decode=decode)


def test_a_training_that_ruins_the_objects_while_the_loss_falls_is_not_kept_to_its_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Progress] = []
    monkeypatch.setattr(fitting, "RATE_ADAPTED", 0.03)
    monkeypatch.setattr(fitting, "SHARES", SHARES)
    with open_project(folder, write=True) as project:
        _use_sure_of_itself(project)

        report = _train(project, "latest", Budget(None, 8, "cpu"), told.append)

        losses = [moment.held_out for moment in project.runs.get("0002").record.history]
        assert min(losses) < losses[0] - 0.05  # type: ignore[type-var,operator]  # all are measured
        assert report.share is not None
        assert report.share < 1
        assert "fully trained it did worse on what was held out (AP" in report.choice
        assert report.validation["ap"] >= report.validation["ap_previous"]
        assert report.kept
        record = project.runs.get("0002").record
        assert (record.share, record.choice) == (report.share, report.choice)
        start, kept = (project.runs.get(one).load_weights()["head.bias"] for one in ("0001", "0002"))
        assert np.array_equal(start, kept) == (report.share == 0)
    measured = [state.message for state in told if state.message.startswith("measuring the new model")]
    assert measured == [f"measuring the new model, {place} of 5" for place in range(1, 6)]


def test_a_useful_training_is_taken_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "RATE_ADAPTED", 1e-2)
    with open_project(folder, write=True) as project:
        report = _train(project, "tiny-neurites", Budget(None, 40, "cpu"))

        assert report.kept
        assert report.share is not None
        assert report.share > 0
        assert report.validation["ap"] > report.validation["ap_source"]
        assert report.validation["loss"] < report.validation["loss_source"]


def test_from_scratch_there_is_no_way_to_choose_on(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        report = _train(project, "scratch")

        assert (report.share, report.choice) == (None, "")


def test_tiles_without_an_object_train_nothing_however_low_the_loss_falls(
    folder: Path, tmp_path: Path
) -> None:
    shutil.rmtree(folder / "annotations")
    told: list[str] = []
    tifffile.imwrite(tmp_path / "background.tif", np.ones((128, 128), np.uint8))
    with open_project(folder, write=True) as project:
        annotate_from_labels(
            project, open_labels(tmp_path / "background.tif"), [Tile((0, 0), (64, 64))], is_sparse=True
        )

        report = _train(
            project, budget=Budget(None, 8, "cpu"), report=lambda state: told.append(state.message)
        )

        assert report.validation["loss"] < report.validation["loss_source"]
        assert not report.kept
        assert "no object is painted" in report.note
        assert not project.runs.get("0001").record.has_objects
        assert project.latest_run() is None
    # It is said before, when there is something to be done about it.
    noted = next(place for place, words in enumerate(told) if "no object is painted" in words)
    assert noted < told.index("training")
    assert told[noted].startswith(NOTE)


def test_the_decoding_is_tuned_on_other_pixels_than_those_that_judge_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # let the decoding be tuned
    with open_project(folder, write=True) as project:
        task = TrainingTask(project, Catalogue(), ignore_progress, CancelToken())
        model = load_model("tiny-nuclei", project, Catalogue())
        fit = task.fitting(model.spec, task.annotated_tiles("training"))
        mirrored = [
            replace(one, validation=np.where(one.validation > 0, 1, 0).astype(np.int32))
            for one in fit.examples
        ]
        cpu = torch.device("cpu")

        decode, judged = fit.measure(model.network, cpu)
        same, without = replace(fit, examples=mirrored).measure(model.network, cpu)

        assert decode == same
        assert (judged.quality is None, without.quality is None) == (False, True)
        assert len(judged.without_tile) == 2
        assert judged.quality == pytest.approx(judged.scores["ap"])


def test_a_source_that_the_training_only_harms_stays_as_it_is_with_its_decoding(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # let the decoding be tuned
    own = DecodeSettings(foreground_threshold=0.41)

    def judge(predictions: Predictions, settings: DecodeSettings, *_: object) -> Judgement:
        return Judgement(0.1, {}, 0.9 if settings == own else 0.2)

    monkeypatch.setattr(fitting, "judge", judge)
    with open_project(folder, write=True) as project:
        task = TrainingTask(project, Catalogue(), ignore_progress, CancelToken())
        model = replace(load_model("tiny-nuclei", project, Catalogue()), decode=own)
        untouched = model.network.stored_weights()
        fitted = task.fitting(model.spec, task.annotated_tiles("training")).fit(model, Budget(None, 2))

        assert (fitted.share, fitted.decode) == (0.0, own)
        assert fitted.choice.startswith("kept the source as it was:")
        assert all(np.array_equal(fitted.result.weights[name], untouched[name]) for name in untouched)


def test_tiles_without_a_stroke_are_nothing_to_learn_from(folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(folder / "annotations")
    with open_project(folder, write=True) as project:
        unpainted = np.zeros((64, 64), np.uint32)
        project.accept(LabelledTile(Tile((0, 0), (64, 64)), unpainted, complete=False), who="nobody")

        with pytest.raises(InputError, match="no labelled pixel"):
            _train(project)

        assert list((folder / "runs").iterdir()) == []


def test_no_tile_is_no_training(folder: Path) -> None:
    shutil.rmtree(folder / "annotations")
    with open_project(folder, write=True) as project, pytest.raises(InputError, match="no tile is annotated"):
        _train(project)


def test_a_run_of_another_project_is_a_start_and_no_parent(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "other.graft")
    with open_project(folder, write=True) as project:
        _train(project)
    with open_project(tmp_path / "other.graft", write=True) as project:
        report = _train(project, f"{folder}:1")

        assert report.source == f"{folder}:1"
        assert project.runs.get(report.run).record.parent is None


def test_a_run_of_the_same_project_is_a_parent_however_its_folder_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    with open_project(folder, write=True) as project:
        _train(project)

        report = _train(project, f"{folder.name}:0001")

        assert report.source == "run 0001"
        assert project.runs.get(report.run).record.parent == "0001"


def test_strokes_are_enough_to_train(folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(folder / "annotations")
    strokes = np.zeros((128, 128), np.uint8)
    strokes[::8] = 1
    strokes[4::8, ::2] = 2
    tifffile.imwrite(tmp_path / "strokes.tif", strokes)
    with open_project(folder, write=True) as project:
        annotate_from_labels(
            project, open_labels(tmp_path / "strokes.tif"), [Tile((0, 0), (64, 64))], is_sparse=True
        )

        assert _train(project).steps == 2
