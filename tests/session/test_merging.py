from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_loop import SEEN_SET, WIDTHS, make_annotated, make_source, train_quickly

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.merging.registry import MERGE_METHODS
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.reports import MergeReport
from napari_graft.session.merging import MergeTask
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.sources import export_reference
from napari_graft.session.training import fitting
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec

BOTH = ("tiny-nuclei", "tiny-neurites")
N_STEPS = 12
"""Of which the first two find out what to take of each network."""
Weights = dict[str, NDArray[np.float32]]
pytestmark = pytest.mark.usefixtures("quick_training")


class _KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path_factory.mktemp("merge") / "p.graft", image, labels, structure="nuclei")


@pytest.fixture
def folder(annotated: Path, tmp_path: Path) -> Path:
    shutil.copytree(annotated, tmp_path / "p.graft")
    return tmp_path / "p.graft"


@pytest.fixture(scope="module")
def undisturbed(annotated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[MergeReport, Weights]:
    """Give what a merge of some steps comes to that nothing cuts off."""
    folder = tmp_path_factory.mktemp("whole") / "p.graft"
    shutil.copytree(annotated, folder)
    with pytest.MonkeyPatch.context() as patch:
        train_quickly(patch)
        with open_project(folder, write=True) as project:
            report = merge(project, steps=N_STEPS)
            return report, project.runs.get("0001").load_weights()


def merge(
    project: Project,
    references: tuple[str, ...] = BOTH,
    steps: int = 6,
    method: str = "kernel",
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
) -> MergeReport:
    task = MergeTask(project, Catalogue(), report, cancel or CancelToken())
    return task.run(references, Budget(None, steps, "cpu"), method)


def training(project: Project) -> TrainingTask:
    return TrainingTask(project, Catalogue(), ignore_progress, CancelToken())


def files_of(project: Project, run: str) -> set[str]:
    return {path.name for path in project.runs.get(run).folder.iterdir()}


@pytest.mark.parametrize("method", list(MERGE_METHODS))
def test_a_merge_becomes_a_run_that_says_what_it_is_made_of(folder: Path, method: str) -> None:
    with open_project(folder, write=True) as project:
        report = merge(project, method=method)
        run = project.runs.get(report.training.run)
        files = files_of(project, run.id)

    record = run.record
    assert record.merge == report.recipe
    assert (report.recipe.method, report.recipe.references) == (method, BOTH)
    cards = [Catalogue().get(one).card for one in BOTH]
    assert [one.weights_sha256 for one in report.recipe.members] == [one.weights_sha256 for one in cards]
    assert sum(report.recipe.shares) == pytest.approx(1)
    assert record.spec == cards[0].spec, "the first one lends its pixel size"
    assert (record.source, record.steps, record.stopped_by) == ("tiny-nuclei + tiny-neurites", 6, "steps")
    steps = [moment.step for moment in record.history]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 6)
    assert files == {"run.json", "weights.safetensors"}
    assert {"loss", "loss_source", "ap50", "ap50_source"} <= record.validation.keys()
    assert report.as_dict().keys() >= {"run", "steps", "validation", "kept", "sources", "shares", "layers"}


def test_the_merging_itself_takes_a_sixth_of_the_budget(folder: Path) -> None:
    told: list[Progress] = []
    with open_project(folder, write=True) as project:
        merge(project, steps=12, report=told.append)

    def steps(message: str) -> list[float]:
        return [one.done for one in told if one.message == message and "loss" in one.metrics]

    assert steps("finding out what to take of each") == [1, 2]
    assert steps("training") == [*range(3, 13)]
    assert {one.total for one in told if "loss" in one.metrics} == {12}


def test_it_competes_with_the_best_of_the_untouched_networks_and_with_the_model_in_use(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        alone = [training(project).run(one, Budget(None, 1, "cpu")).validation for one in BOTH]
        latest = project.latest_run()
        assert latest is not None
        validation = merge(project).training.validation
        assert validation["loss_source"] == pytest.approx(min(one["loss_source"] for one in alone))
        assert validation["loss_previous"] == pytest.approx(latest.record.validation["loss"], abs=1e-4)


def test_a_run_can_be_merged_with_a_source_and_trained_further(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        training(project).run("tiny-nuclei", Budget(None, 4, "cpu"))
        merged = merge(project, ("latest", "tiny-neurites"))
        further = training(project).run(f"run {merged.training.run}", Budget(None, 1, "cpu"))

        assert merged.recipe.references == ("run 0001", "tiny-neurites")
        assert project.runs.get(further.run).record.parent == merged.training.run
        assert "loss_source" in further.validation, (
            "compared with the source that the first member began with"
        )


def _stop_at(step: int, state: Progress) -> None:
    if "loss" in state.metrics and state.done >= step:
        raise _KilledError


@pytest.mark.parametrize("killed_at", [1, 7], ids=["while merging", "while training"])
def test_a_merge_that_was_killed_goes_on_to_the_same_model(
    folder: Path, undisturbed: tuple[MergeReport, Weights], monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    monkeypatch.setattr(fitting, "TrainConfig", partial(fitting.TrainConfig, checkpoint_seconds=0.0))
    with open_project(folder, write=True) as project:
        with pytest.raises(_KilledError):
            merge(project, steps=N_STEPS, report=partial(_stop_at, killed_at))
        cut_off = project.runs.unfinished()
        assert cut_off is not None
        assert cut_off.record.merge is not None
    with open_project(folder, write=True) as project:
        resumed = merge(project, steps=N_STEPS)
        weights = project.runs.get("0001").load_weights()
    whole, expected = undisturbed

    assert resumed.training.resumed
    assert (resumed.training.run, resumed.training.steps) == ("0001", whole.training.steps)
    assert resumed.recipe == whole.recipe
    for name, value in expected.items():
        np.testing.assert_allclose(weights[name], value, atol=1e-5)


@pytest.mark.parametrize("has_checkpoints", [True, False])
def test_a_merge_whose_merged_weights_are_damaged_mixes_again_and_goes_on(
    folder: Path,
    undisturbed: tuple[MergeReport, Weights],
    monkeypatch: pytest.MonkeyPatch,
    has_checkpoints: bool,
) -> None:
    monkeypatch.setattr(fitting, "TrainConfig", partial(fitting.TrainConfig, checkpoint_seconds=0.0))
    with open_project(folder, write=True) as project:
        with pytest.raises(_KilledError):
            merge(project, steps=N_STEPS, report=partial(_stop_at, 7))
        run = project.runs.unfinished()
        assert run is not None
        harmed = (
            [run.merged_path] if has_checkpoints else [run.merged_path, run.mixing_path, run.checkpoint_path]
        )
        for path in harmed:
            data = bytearray(path.read_bytes())
            data[-100] ^= 64
            path.write_bytes(data)
    with open_project(folder, write=True) as project:
        resumed = merge(project, steps=N_STEPS)
        weights = project.runs.get("0001").load_weights()
        assert run.merged_path.with_name(f"{run.merged_path.name}.damaged").is_file()
    _, expected = undisturbed

    assert (resumed.training.run, resumed.training.steps) == ("0001", N_STEPS)
    for name, value in expected.items():
        np.testing.assert_allclose(weights[name], value, atol=1e-5)


def test_a_merge_that_was_killed_is_not_gone_on_with_by_what_asks_for_something_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "TrainConfig", partial(fitting.TrainConfig, checkpoint_seconds=0.0))
    with open_project(folder, write=True) as project:
        with pytest.raises(_KilledError):
            merge(project, report=partial(_stop_at, 4))
        other = merge(project, method="average")
        trained = training(project).run("tiny-nuclei", Budget(None, 6, "cpu"))
        assert [other.training.resumed, trained.resumed] == [False, False]
        assert [run.id for run in project.runs.all()] == ["0001", "0002", "0003"]


@pytest.mark.parametrize("at", [1, 9], ids=["while merging", "while training"])
def test_a_merge_that_is_stopped_keeps_the_best_so_far(folder: Path, at: int) -> None:
    cancel = CancelToken()

    def stop(state: Progress) -> None:
        if "loss" in state.metrics and state.done >= at:
            cancel.cancel()

    with open_project(folder, write=True) as project:
        report = merge(project, steps=12, report=stop, cancel=cancel)
        run = project.runs.get(report.training.run)
        assert run.is_finished
        assert (run.record.stopped_by, run.record.steps) == ("cancel", at)
        assert sum(report.recipe.shares) == pytest.approx(1)
        assert files_of(project, run.id) == {"run.json", "weights.safetensors"}
        np.testing.assert_array_equal(
            sorted(run.load_weights()), sorted(Catalogue().get("tiny-nuclei").load_weights())
        )


@pytest.mark.parametrize(
    ("references", "method", "words"),
    [
        (("tiny-nuclei",), "kernel", "two sources or more"),
        (("tiny-nuclei", "tiny-nuclei"), "kernel", "name each one once"),
        (("tiny-nuclei", "scratch"), "kernel", "fresh weights hold nothing to merge"),
        (("tiny-nuclei", "tiny-nucleus"), "kernel", "no source is called 'tiny-nucleus'"),
        (("tiny-nuclei", "run 7"), "kernel", "no run '7'"),
        (BOTH, "blend", "choose one of kernel, average, probing"),
    ],
)
def test_what_cannot_be_merged_is_refused_and_leaves_nothing(
    folder: Path, references: tuple[str, ...], method: str, words: str
) -> None:
    with open_project(folder, write=True) as project:
        with pytest.raises(InputError, match=words):
            merge(project, references, method=method)
        assert project.runs.all() == []


def test_networks_of_two_shapes_are_refused(folder: Path, tmp_path: Path) -> None:
    wide = make_source(tmp_path / "wide", "wide", spec=ModelSpec(widths=(8, 24)))
    with open_project(folder, write=True) as project, pytest.raises(InputError, match="differ in widths"):
        merge(project, ("tiny-nuclei", str(wide)))


def test_without_a_painted_tile_nothing_is_merged(tmp_path: Path, image: Path) -> None:
    made = make_project(tmp_path / "p.graft", ImageOptions(str(image)))
    with made as project, pytest.raises(InputError, match="annotate them before merging"):
        merge(project)


def test_the_terms_of_all_that_was_merged_hold_for_the_export(folder: Path, tmp_path: Path) -> None:
    fields = {"license": "research use only", "research_only": True, "citation": "Somebody 2020"}
    other = make_source(tmp_path / "other", "other", spec=ModelSpec(widths=WIDTHS), ancestor="a", **fields)
    with open_project(folder, write=True) as project:
        run = merge(project, ("tiny-neurites", str(other))).training.run
        further = training(project).run(f"run {run}", Budget(None, 1, "cpu")).run

    for exported in (run, further):
        out = tmp_path / f"{exported}.graftsource"
        export_reference(f"{folder}:{exported}", out)
        card = Catalogue().get(str(out)).card
        assert card.license == "CC0-1.0; research use only"
        assert card.research_only
        assert card.citation == "Somebody 2020"
        assert SEEN_SET in card.training.datasets
        assert len(card.training.image_sha256s) == 1
        assert card.ancestor is None, "they have no common one"


def test_the_terms_of_a_run_of_another_project_hold_too(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "theirs.graft")
    with open_project(tmp_path / "theirs.graft", write=True) as theirs:
        training(theirs).run("tiny-neurites", Budget(None, 1, "cpu"))
        training(theirs).run("run 0001", Budget(None, 1, "cpu"))
    with open_project(folder, write=True) as project:
        run = merge(project, ("tiny-nuclei", f"{tmp_path / 'theirs.graft'}:0002")).training.run
    export_reference(f"{folder}:{run}", tmp_path / "merged.graftsource")
    card = Catalogue().get(str(tmp_path / "merged.graftsource")).card
    assert SEEN_SET in card.training.datasets


def test_an_exported_source_is_merged_from_its_file(folder: Path, tmp_path: Path) -> None:
    export_reference("tiny-neurites", tmp_path / "theirs.graftsource")
    references = ("tiny-nuclei", str(tmp_path / "theirs.graftsource"))
    with open_project(folder, write=True) as project:
        report = merge(project, references)
    assert report.recipe.references == references
    assert report.recipe.members[1].weights_sha256 == Catalogue().get("tiny-neurites").card.weights_sha256
