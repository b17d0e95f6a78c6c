from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.annotation.journal import JournalEntry
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.tile import Tile
from napari_graft.io.weights import save_tensors
from napari_graft.project.image_file import ImageChoice
from napari_graft.project.opening import create_project
from napari_graft.project.project import Project
from napari_graft.session.training.learning_curve import CurvePoint, advice, learning_curve
from napari_graft.sources.network_spec import ModelSpec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
POINT = CurvePoint("0001", 4, 5.0, 0.5, 1.2, 0.6, True, 0.6, 1.5, 0.5)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    tifffile.imwrite(tmp_path / "image.tif", np.arange(6400, dtype=np.uint16).reshape(80, 80))
    return create_project(tmp_path / "p.graft", ImageChoice(str(tmp_path / "image.tif")))


def _paint(project: Project, minute: float, seconds: float) -> None:
    """Note that a tile was accepted so many minutes after noon."""
    when = NOON + timedelta(minutes=minute)
    project.journal.append(
        JournalEntry(who="ada", what="accept tile", when=when, details={"seconds": seconds})
    )


def _run(project: Project, minute: float, n_tiles: int, *, kept: bool = True, **validation: float) -> None:
    created = NOON + timedelta(minutes=minute)
    run = project.runs.start("fly", ModelSpec(), n_tiles, created=created)
    save_tensors(run.weights_path, {"w": np.zeros(1, np.float32)}, {})
    run.finish(stopped_by="budget", kept=kept, validation=validation)


def test_each_finished_run_is_a_point_with_the_minutes_painted_until_then(project: Project) -> None:
    _paint(project, 0, 90)
    _run(project, 1, 4, loss=0.5, vi=1.0, ap50=0.6, loss_source=0.9, vi_source=2.0, ap50_source=0.1)
    _paint(project, 2, 30)
    _run(project, 3, 8, kept=False, loss=0.4, loss_previous=0.45, loss_source=0.9, vi_source=2.1)
    project.runs.start("fly", ModelSpec(), 8)  # unfinished
    _paint(project, 4, 500)

    first, second = learning_curve(project)

    assert first == CurvePoint("0001", 4, 1.5, 0.5, 1.0, 0.6, True, 0.9, 2.0, 0.1)
    assert second == CurvePoint("0002", 8, 2.0, 0.4, None, None, False, 0.45, None, None)


def test_a_project_without_times_or_runs_has_a_curve_as_well(project: Project) -> None:
    assert learning_curve(project) == []
    project.accept(LabelledTile(Tile((0, 0), (20, 20)), np.ones((20, 20), np.uint32)), who="import")
    _run(project, 0, 1)

    (point,) = learning_curve(project)
    assert (point.minutes, point.loss, point.loss_before) == (0.0, None, None)


def _second(**changes: object) -> CurvePoint:
    fields = {"run": "0002", "n_tiles": 8, "minutes": 11.0} | changes
    return replace(POINT, **fields)


@pytest.mark.parametrize(
    ("structure", "changes", "text"),
    [
        (
            "nuclei",
            {"ap50": 0.74, "ap50_before": 0.71},
            "The last 4 tiles took 6 minutes and improved the held-out AP50 from 0.71 to 0.74: "
            "painting more will bring little.",
        ),
        (
            "neurites",
            {"vi": 1.0, "vi_before": 1.25, "minutes": 6.1},
            "The last 4 tiles took 1 minute and improved the held-out VI from 1.25 to 1.00: "
            "still improving quickly, paint 4 more.",
        ),
        (
            "neurites",
            {"vi": 0.9, "vi_before": 1.0, "n_tiles": 5, "minutes": 5.0},
            "The last tile improved the held-out VI from 1.00 to 0.90: "
            "painting more still helps, but slowly.",
        ),
        (
            None,
            {"ap50": None, "ap50_before": None, "loss": 0.5, "loss_before": 0.5},
            "The last 4 tiles took 6 minutes and did not improve the held-out loss (0.50 before, 0.50 now): "
            "look at where the model is wrong before painting more.",
        ),
        (
            "any",
            {"ap50": 0.3, "ap50_before": 0.4},
            "did not improve the held-out AP50 (0.40 before, 0.30 now)",
        ),
        ("neurites", {"vi": 0.0, "vi_before": 0.0}, "did not improve the held-out VI"),
    ],
)
def test_the_advice_follows_from_what_the_last_round_brought(
    structure: str, changes: dict[str, object], text: str
) -> None:
    assert text in advice([POINT, _second(**changes)], structure)


@pytest.mark.parametrize(
    "points",
    [
        [],
        [POINT],
        [POINT, replace(POINT, run="0002")],  # the same tiles again
        [POINT, _second(ap50=None, loss=None)],
        [POINT, _second(ap50_before=None, loss_before=None)],
    ],
)
def test_too_little_is_known_to_advise(points: list[CurvePoint]) -> None:
    assert advice(points, "cells").startswith("Too few rounds to tell")


def test_training_again_on_the_same_tiles_belongs_to_the_same_round() -> None:
    again = _second(run="0003", minutes=11.0, ap50=0.9, ap50_before=0.72)
    points = [POINT, _second(ap50=0.72, ap50_before=0.7), again]

    assert "from 0.70 to 0.90" in advice(points, "cells")
    assert "from 0.70 to 0.90" in advice([*points, replace(again, run="0004", ap50=0.1)], "cells")
    assert "The last 4 tiles took 6 minutes" in advice(points, "cells")
