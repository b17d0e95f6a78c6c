from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.io.weights import save_tensors
from napari_graft.project.project import Project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.workbench.train.rounds import Round, finished_rounds

SPEC = ModelSpec(widths=(8, 16))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    image = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "image.tif", image)
    with make_project(
        tmp_path / "p.graft", ImageOptions(str(tmp_path / "image.tif"), structure="neurites")
    ) as made:
        yield made


def finish(project: Project, source: str, *, kept: bool, **validation: float) -> None:
    run = project.runs.start(source, SPEC, 2)
    save_tensors(run.weights_path, {"w": np.zeros(1, np.float32)}, {})
    run.finish(steps=9, stopped_by="time", kept=kept, validation=validation)


def rounds_of(project: Project) -> tuple[Round, ...]:
    return finished_rounds(project, Catalogue([]))


def test_a_round_is_compared_by_the_score_of_its_structure_with_the_round_before_and_the_source(
    project: Project,
) -> None:
    finish(project, "fly", kept=True, loss=0.5, vi=0.8, ap50=0.1, loss_source=0.6, vi_source=1.0)
    finish(project, "run 0001", kept=False, loss=0.55, vi=0.7, loss_previous=0.5, vi_previous=0.9)

    first, second = rounds_of(project)

    assert [(model.who, model.score, model.loss) for model in first.models] == [
        ("new", 0.8, 0.5),
        ("source", 1.0, 0.6),
    ]
    assert first.is_no_worse
    assert first.is_in_use
    assert first.start == "fly"
    assert second.start == "round 1"
    assert second.rival is not None
    assert second.rival.who == "previous"
    assert second.is_no_worse is False
    assert not second.is_in_use


def test_a_round_whose_objects_are_worse_is_worse_however_much_the_loss_fell(project: Project) -> None:
    finish(
        project,
        "fly",
        kept=False,
        loss=0.2,
        vi=0.9,
        ap=0.5,
        ap50=0.6,
        loss_source=0.4,
        vi_source=0.5,
        ap_source=0.4,
    )
    finish(
        project,
        "fly",
        kept=True,
        loss=0.4,
        vi=0.3,
        ap=0.5,
        ap50=0.6,
        loss_source=0.4,
        vi_source=0.5,
        ap_source=0.6,
    )

    first, second = rounds_of(project)

    assert (first.comparison, first.is_no_worse) == ("worse", False)
    assert (second.comparison, second.is_no_worse) == ("better", True)


def test_a_round_tells_why_it_is_not_all_of_its_training(project: Project) -> None:
    run = project.runs.start("fly", SPEC, 2)
    save_tensors(run.weights_path, {"w": np.zeros(1, np.float32)}, {})
    run.finish(steps=9, stopped_by="time", kept=False, choice="kept half", note="no", has_objects=False)

    (only,) = rounds_of(project)

    assert (only.choice, only.note, only.has_objects) == ("kept half", "no", False)


def test_of_several_kept_rounds_the_last_is_in_use(project: Project) -> None:
    for kept in (True, True, False):
        finish(project, "scratch", kept=kept)

    assert [one.is_in_use for one in rounds_of(project)] == [False, True, False]
    assert rounds_of(project)[0].is_no_worse is None
    assert rounds_of(project)[0].start == "from scratch"


def test_a_training_that_is_not_finished_is_no_round(project: Project) -> None:
    project.runs.start("fly", SPEC, 2)

    assert rounds_of(project) == ()
