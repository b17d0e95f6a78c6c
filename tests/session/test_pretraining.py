from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import PIXEL_NM, make_annotated, make_sample, make_stack

from napari_graft import export, pretrain
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.io.documents import write_document
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.nets.build import build_network
from napari_graft.pretraining import generated
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.reports import PretrainReport, TrainReport
from napari_graft.session import pretraining
from napari_graft.session.pretraining import PretrainOptions, PretrainTask
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.projects.project_image import why_fixed
from napari_graft.session.sources import export_reference
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.learning_curve import learning_curve
from napari_graft.session.training.train import PREPARED_IS_WORSE, TrainingTask
from napari_graft.sources.card import SourceCard
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec

SOURCE = "tiny-nuclei"
pytestmark = pytest.mark.usefixtures("quick_training", "quick_preparing")


class _KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def quick_preparing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "PATCH", {2: (32, 32), 3: (8, 16, 16)})
    monkeypatch.setattr(pretraining, "PLACE", {2: (64, 64), 3: (8, 32, 32)})
    monkeypatch.setattr(pretraining, "N_PLACES", {2: 4, 3: 2})
    monkeypatch.setattr(pretraining, "BATCH", {2: 2, 3: 1})
    monkeypatch.setattr(generated, "LARGE", 64)
    monkeypatch.setattr(generated, "SIDE", 64)
    monkeypatch.setattr(generated, "N_LOOKS", 6)
    monkeypatch.setattr(generated, "N_IMAGES", 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path_factory.mktemp("prepare") / "p.graft", image, labels, structure="nuclei")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "p.graft")
    return tmp_path / "p.graft"


def prepare(
    project: Project,
    source: str = SOURCE,
    steps: int = 4,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
    **options: object,
) -> PretrainReport:
    task = PretrainTask(project, Catalogue(), report, cancel or CancelToken())
    return task.run(source, PretrainOptions(**options), Budget(None, steps, "cpu"))  # type: ignore[arg-type]


def train(project: Project, source: str, report: Report = ignore_progress) -> TrainReport:
    task = TrainingTask(project, Catalogue(), report, CancelToken())
    return task.run(source, Budget(None, 2, "cpu"))


def test_the_prepared_source_is_a_run_that_says_what_it_is_and_takes_no_place(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        told = prepare(project)
        run = project.runs.get(told.run)
        assert project.latest_run() is None
        assert project.runs.all() == []
        assert learning_curve(project) == []
        assert "prepared" in why_fixed(project)

    assert told.run == "p0001"
    assert (told.source, told.steps, told.stopped_by, told.resumed) == (SOURCE, 4, "steps", False)
    record = run.record.pretraining
    assert record is not None
    assert record.images == (project.image.path,)
    assert record.n_places == 4
    assert record.terms["license"] == "CC0-1.0"
    assert [moment.step for moment in record.history] == [0, 4]
    assert record.history[-1].self_supervised is not None
    assert all(moment.check is not None for moment in record.history)
    assert not run.checkpoint_path.exists()
    assert json.loads(json.dumps(told.as_dict()))["history"][0]["step"] == 0


def test_each_preparation_is_a_run_of_its_own_beside_the_rounds(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        first, again = prepare(project).run, prepare(project).run
        trained = train(project, SOURCE)
        assert [first, again, trained.run] == ["p0001", "p0002", "0001"]
        assert [run.id for run in project.runs.prepared()] == [first, again]
        assert [run.id for run in project.runs.all()] == ["0001"]


def test_nothing_need_be_annotated(tmp_path: Path, image: Path) -> None:
    with make_project(tmp_path / "p.graft", ImageOptions(str(image))) as project:
        report = pretrain(project, SOURCE, steps=2, device="cpu")
        assert report.pretraining.n_labelled == 0
        with pytest.raises(InputError, match="no tile is annotated"):
            pretrain(project, SOURCE, replay=["labelled"], steps=2)


def test_a_training_starts_from_it_and_its_terms_are_those_of_the_source(
    folder: Path, tmp_path: Path
) -> None:
    with open_project(folder, write=True) as project:
        prepared = prepare(project, replay=("distillation", "labelled"))
        assert prepared.pretraining.n_labelled == 2
        report = train(project, f"{folder}:{prepared.run}")
        run = project.runs.get(report.run)
        assert report.source == f"run {prepared.run}"
        assert run.record.parent == prepared.run
        assert set(report.validation) >= {"loss", "loss_source"}
    export_reference(f"{folder}:{run.id}", tmp_path / "a.graftsource")
    assert Catalogue().get(str(tmp_path / "a.graftsource")).card.license == "CC0-1.0"
    export(str(folder), "methods", tmp_path / "methods.txt", run=report.run)
    text = (tmp_path / "methods.txt").read_text(encoding="utf-8")
    assert f"The model “{SOURCE}” was taken" in text or "Source tiny-nuclei" in text
    assert "by self-supervision (“masked”)" in text
    assert "CUPre" in text
    with pytest.raises(InputError, match="prepared source and no model"):
        export(str(folder), "methods", tmp_path / "no.txt", run=prepared.run)


def test_a_prepared_source_that_has_become_worse_is_not_started_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with open_project(folder, write=True) as project:
        prepared = prepare(project).run
        path = project.runs.get(prepared).weights_path
        spoil(path)
        report = train(project, f"run {prepared}", lambda state: told.append(state.message))
        assert report.source == SOURCE
        assert any(PREPARED_IS_WORSE in words for words in told)
        assert project.runs.get(report.run).record.parent is None


def spoil(path: Path) -> None:
    """Let a network say the opposite of what it said."""
    tensors, words = load_tensors(path)
    tensors = {k: -v if k.startswith("head") else v for k, v in tensors.items()}
    save_tensors(path, tensors, {k: v for k, v in words.items() if k != "checksum"})


def test_killed_it_goes_on_with_the_same_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(state: Progress) -> None:
        if state.message == "preparing the source" and state.done == 22:
            raise _KilledError

    with open_project(folder, write=True) as project:
        with pytest.raises(_KilledError):
            prepare(project, steps=24, report=kill)
        assert project.runs.unfinished() is None
        report = prepare(project, steps=24)
        whole = prepare(project, steps=24)
        assert (report.run, report.resumed, report.steps) == ("p0001", True, 24)
        assert (whole.run, whole.resumed) == ("p0002", False)
        first, second = (project.runs.get(one).load_weights() for one in ("p0001", "p0002"))
    for name, value in first.items():
        np.testing.assert_allclose(second[name], value, rtol=1e-5, atol=1e-6)


def test_what_asks_for_something_else_does_not_go_on_with_it(folder: Path) -> None:
    def kill(state: Progress) -> None:
        if state.message == "preparing the source":
            raise _KilledError

    with open_project(folder, write=True) as project:
        with pytest.raises(_KilledError):
            prepare(project, report=kill)
        assert prepare(project, objective="dense").run == "p0002"


def test_stopped_it_keeps_what_it_has(folder: Path) -> None:
    token = CancelToken()

    def stop(state: Progress) -> None:
        if state.message == "preparing the source":
            token.cancel()

    with open_project(folder, write=True) as project:
        stopped = prepare(project, steps=100, cancel=token, report=stop)
        assert stopped.stopped_by == "cancel"
        assert project.runs.get(stopped.run).is_finished


def test_further_images_are_read_with_their_own_range_and_scale(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(2):
        sample = make_sample((96, 96), seed=5 + i).image.astype(np.uint16) * 100
        tifffile.imwrite(tmp_path / f"more_{i}.tif", sample)
    with open_project(folder, write=True) as project:
        report = prepare(project, images=(str(tmp_path / "more_*.tif"),))
        assert len(report.pretraining.images) == 3
        asked = {"replay": ["distillation"], "steps": 1, "device": "cpu"}
        again = pretrain(project, SOURCE, images=[tmp_path / "more_*.tif"], **asked)  # type: ignore[arg-type]
        assert again.pretraining.images == report.pretraining.images
        with pytest.raises(InputError, match="no image matches"):
            prepare(project, images=(str(tmp_path / "none_*.tif"),))
        own = pretraining.view_of(project, ModelSpec(pixel_size=(PIXEL_NM, PIXEL_NM)))
        views = pretraining.other_views(own, project, [str(tmp_path / "more_*.tif")], CancelToken())
    assert [view.intensity.high > 300 for view in (own, *views)] == [False, True, True]


def source_of_stacks(folder: Path) -> Path:
    folder.mkdir()
    spec = ModelSpec(ndim=3, widths=(4, 8))
    save_tensors(folder / "weights.safetensors", build_network(spec).stored_weights(), {})
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    words = {"id": "deep", "title": "Deep", "structure": "cells", "license": "CC0-1.0"}
    write_document(folder / "card.json", SourceCard(spec=spec, weights_sha256=digest, **words))
    return folder


def test_a_source_of_stacks_is_prepared_on_a_stack(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", make_stack(8).image, metadata={"axes": "ZYX"})
    source = source_of_stacks(tmp_path / "deep")
    with make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "stack.tif"))) as project:
        report = prepare(project, str(source), replay=("distillation",))
        assert project.runs.get(report.run).record.spec.ndim == 3


@pytest.mark.parametrize(
    ("source", "options", "problem"),
    [
        ("scratch", {}, "fresh weights"),
        ("nobody", {}, "nobody"),
        (SOURCE, {"objective": "guess"}, "no self-supervised objective is called 'guess'"),
        (SOURCE, {"replay": ("dreams",)}, "no replay is called 'dreams'"),
        (SOURCE, {"replay": ()}, "replay of nothing"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    source: str, options: dict[str, object], problem: str, folder: Path
) -> None:
    with open_project(folder, write=True) as project:
        with pytest.raises(InputError, match=problem):
            prepare(project, source, **options)
        assert project.runs.prepared() == []
