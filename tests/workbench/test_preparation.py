"""The model of the preparation, with true worker processes and no window."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_loop import _only_tiny_sources, make_annotated  # noqa: F401 - a fixture
from window import Window

from in_workers import QUICK_TRAINING, run_in_workers
from napari_graft.pretraining.record import OBJECTIVE_NAMES
from napari_graft.project.opening import open_project
from napari_graft.workbench.train.rounds import start_name, start_points

SOURCE = "tiny-nuclei"
QUICK_PRETRAINING = """
from napari_graft.pretraining import generated
from napari_graft.session import pretraining
pretraining.PATCH, pretraining.BATCH = {2: (32, 32)}, {2: 2}
pretraining.PLACE, pretraining.N_PLACES = {2: (64, 64)}, {2: 2}
generated.LARGE = generated.SIDE = 64
generated.N_LOOKS, generated.N_IMAGES = 6, 2
"""


@pytest.fixture
def project(tmp_path: Path, image: Path, labels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    run_in_workers(QUICK_TRAINING + QUICK_PRETRAINING, tmp_path, monkeypatch)
    return make_annotated(tmp_path / "p.graft", image, labels, structure="nuclei")


@pytest.fixture
def window() -> Iterator[Window]:
    made = Window()
    yield made
    made.workbench.close()


def test_a_chosen_source_is_offered_prepared_and_becomes_what_a_training_starts_from(
    window: Window, project: Path, image: Path
) -> None:
    bench = window.workbench
    preparation, training = bench.preparation, bench.training
    window.open(project)
    assert preparation.state.source is None
    bench.sources.choose(SOURCE)
    assert preparation.state.title == f"Source {SOURCE}"
    shutil.copy(image, project.parent / "more_1.tif")

    preparation.options.set("images", [str(project.parent / "more_*.tif")])
    preparation.options.set("steps", "20")
    preparation.start()
    assert preparation.state.is_preparing
    assert [job.state.title for job in bench.context.jobs.active] == ["Preparing the source"]
    window.wait()

    assert not window.failures
    last = preparation.state.last
    assert last is not None
    assert last.steps == 20
    assert [Path(one).name for one in last.pretraining.images][1:] == ["more_1.tif"]
    assert all(last.pretraining.curves.values())
    assert not preparation.state.is_preparing
    titles = {start.reference: start.title for start in training.state.starts}
    assert titles["run p0001"] == f"Prepared: Source {SOURCE}"
    assert training.state.start == "run p0001"
    assert [start.reference for start in training.state.starts][:2] == [SOURCE, "run p0001"]
    assert training.state.rounds == ()


def test_a_training_waits_for_no_preparation(window: Window, project: Path) -> None:
    bench = window.workbench
    window.open(project)
    bench.sources.choose(SOURCE)
    bench.preparation.options.set("steps", "1000000")
    bench.preparation.state.minutes = 600
    bench.preparation.start()
    while not bench.context.jobs.active[0].state.message.startswith("preparing"):
        window.step()
    bench.training.options.set("steps", "2")
    bench.training.train()
    assert bench.context.jobs.active[0].state.status == "stopping"
    window.wait()

    assert len(bench.training.state.rounds) == 1
    assert bench.preparation.state.last is not None
    assert bench.preparation.state.last.stopped_by == "cancel"


def test_without_a_source_nothing_is_prepared(window: Window, project: Path) -> None:
    refused: list[str] = []
    window.workbench.preparation.refused.connect(refused.append)
    window.open(project)
    window.workbench.preparation.start()
    assert refused
    assert "Use this one" in refused[0]


def test_a_start_that_was_prepared_is_named_so(window: Window, project: Path) -> None:
    with open_project(project) as opened:
        starts = start_points(opened, window.workbench.context.catalogue, chosen=SOURCE, ranked=())
    assert not any("Prepared" in start.title for start in starts)
    assert "prepared source" in start_name("run p0001", window.workbench.context.catalogue)


def test_the_names_that_the_window_knows_are_those_of_the_registry() -> None:
    from napari_graft.pretraining.registry import OBJECTIVES

    assert tuple(OBJECTIVES)[: len(OBJECTIVE_NAMES)] == OBJECTIVE_NAMES
