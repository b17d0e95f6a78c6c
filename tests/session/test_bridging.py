from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from tiny_loop import make_annotated

sys.path.insert(0, str(Path(__file__).parents[1] / "bridging"))

from looks import SPOILT, as_uint, draw, write_pairs

import napari_graft
from napari_graft.bridging import learning, suitability
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.inference.predictor import Predictor
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.reports import BridgeReport
from napari_graft.session.bridging import task as bridging
from napari_graft.session.bridging.assess import Assessor
from napari_graft.session.bridging.data import usual_foreground
from napari_graft.session.bridging.task import BridgeTask
from napari_graft.session.models import load_model, model_of_source
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.ranking.rank import rank_sources
from napari_graft.session.sources import export_reference
from napari_graft.session.training import fitting
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue, user_home
from napari_graft.sources.source import open_source

SOURCE = "tiny-nuclei"
pytestmark = pytest.mark.usefixtures("quick_training", "quick_bridging")


class _KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def quick_bridging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "PATCH", {2: (32, 32), 3: (4, 32, 32)})
    monkeypatch.setattr(learning, "BATCH", {2: 2, 3: 1})
    monkeypatch.setattr(suitability, "STEPS", 40)
    monkeypatch.setattr(bridging, "train_config", partial(_eager, fitting.train_config))


def _eager(make, *arguments):  # type: ignore[no-untyped-def]
    return replace(make(*arguments), checkpoint_seconds=0.0)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bridge")
    tifffile.imwrite(folder / "rims.tif", as_uint(draw(77, 128, 24)[1], np.uint16))
    make_project(folder / "p.graft", ImageOptions(str(folder / "rims.tif"), structure="nuclei")).close()
    return folder / "p.graft"


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copy(made.with_name("rims.tif"), tmp_path)
    shutil.copytree(made, tmp_path / "p.graft")
    return tmp_path / "p.graft"


def bridge(
    project: Project,
    pairs: tuple[Path, Path],
    method: str = "tgmb",
    steps: int = 4,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
) -> BridgeReport:
    task = BridgeTask(project, Catalogue(), report, cancel or CancelToken())
    return task.run(SOURCE, pairs, Budget(None, steps, "cpu"), method)


def test_a_bridge_is_a_run_and_a_source_with_its_translator_inside(
    folder: Path, pairs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridging, "CONSISTENCY_NOISE", 1.0)
    with open_project(folder, write=True) as project:
        report = bridge(project, pairs)
        run = project.runs.get(report.training.run)

        assert report.training.kept
        assert report.training.n_tiles == 0
        assert run.record.spec.translator is not None
        assert project.latest_run() is not None
        source = Catalogue().get(report.bridge.source_id)
        assert source.card.spec == run.record.spec
        found = report.bridge.suitability
        assert found is not None
        assert found.explained > found.explained_by_view


@pytest.mark.parametrize(("on_card", "expected"), [(0.31, 0.31), (0.001, 0.02), (None, 0.75)])
def test_the_usual_share_of_foreground_is_that_of_the_card_and_else_what_the_source_finds(
    on_card: float | None, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Catalogue().get(SOURCE)
    source = replace(source, card=source.card.model_copy(update={"foreground": on_card}))
    answer = np.zeros((1, 8, 8), np.float32)
    answer[:, :6] = 0.9
    predictor = Predictor(model_of_source(source).network, torch.device("cpu"))
    monkeypatch.setattr(Predictor, "predict_array", lambda *_: answer)
    images = [np.zeros((8, 8), np.float32)]

    assert usual_foreground(source, predictor, images, CancelToken()) == pytest.approx(expected)


def test_what_is_less_consistent_than_the_best_view_is_not_used(
    folder: Path, pairs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(assessor: Assessor, network: ResidualUNet) -> float:
        return 0.6 if network.spec.translator is None else 0.2

    monkeypatch.setattr(Assessor, "consistency", measured)
    with open_project(folder, write=True) as project:
        report = bridge(project, pairs, "histogram")

        assert not report.training.kept
        assert "0.20" in report.training.note
        assert "0.60" in report.training.note
        assert project.latest_run() is None
        assert not report.bridge.source_id


def test_a_bridge_that_is_worse_on_painted_tiles_is_not_used(
    pairs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rims, labels = draw(77, 128, 24)
    tifffile.imwrite(tmp_path / "rims.tif", as_uint(rims, np.uint16))
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    monkeypatch.setattr(bridging, "CONSISTENCY_NOISE", 1.0)
    monkeypatch.setattr(bridging, "is_no_worse", lambda new, rival: rival is None)
    made = make_annotated(tmp_path / "p.graft", tmp_path / "rims.tif", tmp_path / "labels.tif")
    with open_project(made, write=True) as project:
        report = bridge(project, pairs, "as-it-is")

        assert not report.training.kept
        assert report.training.note == bridging.WORSE_ON_TILES
        assert "loss" in report.training.validation
        assert "loss_source" in report.training.validation


def test_a_bridge_that_was_killed_goes_on_and_comes_to_the_same(
    folder: Path, pairs: tuple[Path, Path], tmp_path: Path
) -> None:
    shutil.copytree(folder.parent, tmp_path / "again")
    with open_project(folder, write=True) as project:
        bridge(project, pairs, steps=6)
        whole = project.runs.get("0001").load_weights()

    def die(state: Progress) -> None:
        if state.phase == "training" and state.done == 3:
            raise _KilledError

    with open_project(tmp_path / "again" / "p.graft", write=True) as project:
        with pytest.raises(_KilledError):
            bridge(project, pairs, steps=6, report=die)
        report = bridge(project, pairs, steps=6)
        assert report.training.resumed
        assert report.training.run == "0001"
        assert report.training.steps == 6
        found = project.runs.get("0001").load_weights()
    for name, value in whole.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5)


def test_a_request_to_stop_keeps_what_was_learned_and_uses_nothing_that_was_not_judged(
    folder: Path, pairs: tuple[Path, Path]
) -> None:
    token = CancelToken()

    def stop(state: Progress) -> None:
        if state.phase == "training" and state.done == 2:
            token.cancel(at_once=True)

    with open_project(folder, write=True) as project:
        report = bridge(project, pairs, steps=50, report=stop, cancel=token)

        assert report.training.stopped_by == "cancel"
        assert report.training.steps < 50
        assert not report.training.kept
        assert project.runs.get("0001").load_weights()


def test_a_request_to_stop_before_anything_was_learned_leaves_nothing(
    folder: Path, pairs: tuple[Path, Path]
) -> None:
    token = CancelToken()
    token.cancel()
    with open_project(folder, write=True) as project:
        with pytest.raises(Cancelled):
            bridge(project, pairs, cancel=token)
        assert project.runs.all() == []


@pytest.mark.parametrize(("spoil", "words"), SPOILT.values(), ids=SPOILT)
def test_pairs_that_cannot_be_used_are_one_error_from_python(
    spoil: Callable[[Path, Path], None], words: str, folder: Path, tmp_path: Path
) -> None:
    two = write_pairs(tmp_path / "spoilt")
    spoil(*two)
    with open_project(folder, write=True) as project:
        with pytest.raises(InputError, match=words):
            napari_graft.bridge(project, SOURCE, two, steps=1, device="cpu")
        assert project.runs.all() == []


def test_pairs_that_do_not_belong_together_are_refused_before_anything_is_learned(
    folder: Path, tmp_path: Path
) -> None:
    first, second = write_pairs(tmp_path / "pairs", n=2)
    one, other = (second / f"field{i}.tif" for i in (0, 1))
    one.rename(tmp_path / "aside.tif")
    other.rename(one)
    (tmp_path / "aside.tif").rename(other)
    with open_project(folder, write=True) as project:
        with pytest.raises(InputError, match="field0"):
            bridge(project, (first, second))
        assert project.runs.all() == []


def test_pairs_that_explain_no_more_than_the_view_are_refused(folder: Path, tmp_path: Path) -> None:
    """A negative needs no translator: the best view is one already."""
    first, second = write_pairs(tmp_path / "pairs", n=2)
    for path in second.iterdir():
        image = tifffile.imread(path)
        tifffile.imwrite(first / path.name, (255 - image).astype(np.uint16))
    with open_project(folder, write=True) as project:
        with pytest.raises(InputError, match="best view"):
            bridge(project, (first, second))
        assert project.runs.all() == []


def test_a_bridged_source_is_ranked_trained_and_exported_like_any_other(
    pairs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rims, labels = draw(77, 128, 24)
    tifffile.imwrite(tmp_path / "rims.tif", as_uint(rims, np.uint16))
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    monkeypatch.setattr(bridging, "CONSISTENCY_NOISE", 1.0)
    monkeypatch.setattr(bridging, "is_no_worse", lambda new, rival: True)
    made = make_annotated(tmp_path / "p.graft", tmp_path / "rims.tif", tmp_path / "labels.tif")
    with open_project(made, write=True) as project:
        source_id = bridge(project, pairs, "tgmb").bridge.source_id
        source = Catalogue().get(source_id)
        (ranked,) = rank_sources(
            project, [source], device="cpu", report=ignore_progress, cancel=CancelToken()
        )
        assert ranked.source.id == source_id
        task = TrainingTask(project, Catalogue(), ignore_progress, CancelToken())
        trained = task.run(source_id, Budget(None, 3, "cpu"))
        assert project.runs.get(trained.run).record.spec.translator is not None
        network = load_model(source_id, project, Catalogue()).network
    export_reference(source_id, tmp_path / "b.graftsource")
    again = open_source(tmp_path / "b.graftsource", "file")
    assert again.card.spec == network.spec
    export_reference(source_id, tmp_path / "b.pt", "torchscript")
    program = torch.jit.load(str(tmp_path / "b.pt")).eval()  # type: ignore[no-untyped-call]
    image = torch.from_numpy(draw(5, 64)[1])[None, None]
    with torch.inference_mode():
        torch.testing.assert_close(program(image), torch.sigmoid(network.eval()(image)), atol=1e-4, rtol=1e-3)
    assert user_home() in source.path.parents
