"""What the tab Data knows of the width of objects: typed, dragged, or found by a job."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import make_source
from window import PATIENCE, Window

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.project.documents import StoredRanking
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.projects.object_diameter import NOT_KNOWN, KnownDiameter, known_diameter
from napari_graft.session.projects.project_image import view_of
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.workbench.data.layer_image import LayerImage
from napari_graft.workbench.data.model import DataModel
from napari_graft.workbench.data.state import ObjectCircle

PIXELS = np.random.default_rng(0).integers(0, 200, (96, 128), np.uint8)
SPEC = ModelSpec(widths=(8, 16), object_diameter=14)


def _layer(project: Path | None = None, path: Path | None = None) -> LayerImage:
    return LayerImage(
        name="one",
        data=PIXELS,
        path=None if path is None else str(path),
        project=None if project is None else str(project),
        layer="1",
    )


@pytest.fixture
def data(graft_window: Window) -> DataModel:
    return graft_window.workbench.data


@pytest.fixture
def project(graft_window: Window, tmp_path: Path) -> Project:
    """A project that is open in the window, with its image chosen."""
    tifffile.imwrite(tmp_path / "a.tif", PIXELS)
    make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "a.tif"), structure="nuclei")).close()
    graft_window.open(tmp_path / "p.graft")
    graft_window.workbench.data.choose_image(_layer(tmp_path / "p.graft"))
    return graft_window.workbench.context.require_project()


@pytest.mark.parametrize("has_file", [True, False])
def test_what_is_typed_before_the_start_is_in_the_project(
    data: DataModel, graft_window: Window, tmp_path: Path, has_file: bool
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", PIXELS)
    data.choose_image(_layer(path=tmp_path / "a.tif" if has_file else None))
    graft_window.wait()
    data.objects.type_diameter("24,5")
    assert data.state.known_diameter == KnownDiameter(24.5, "said")
    data.state.folder = tmp_path / "made.graft"
    data.start_project()
    graft_window.wait()
    assert graft_window.failures == []
    with open_project(tmp_path / "made.graft") as made:
        assert made.manifest.object_diameter == 24.5
        assert Path(made.image.path).is_relative_to(made.folder) is not has_file


@pytest.mark.parametrize("typed", ["wide", "1", "-4", "nan", "1e9"])
def test_what_no_object_can_be_is_refused_and_no_project_is_made_of_it(
    data: DataModel, graft_window: Window, tmp_path: Path, typed: str
) -> None:
    data.choose_image(_layer())
    data.objects.type_diameter("30")
    data.objects.type_diameter(typed)
    assert "pixels" in data.state.diameter_error
    assert data.state.object_diameter == 30
    refused: list[str] = []
    data.refused.connect(refused.append)
    data.state.folder = tmp_path / "made.graft"
    data.start_project()
    assert refused == [data.state.diameter_error]
    data.objects.type_diameter("")
    assert (data.state.diameter_error, data.state.object_diameter) == ("", None)


def test_another_image_begins_with_nothing_known(data: DataModel) -> None:
    data.choose_image(_layer())
    data.objects.type_diameter("30")
    data.objects.show_circle((40, 40), PIXELS.shape)
    data.choose_image(_layer())
    assert (data.state.object_diameter, data.state.known_diameter, data.state.circle) == (
        None,
        NOT_KNOWN,
        None,
    )


def test_open_project_is_corrected_and_its_ranking_forgotten(data: DataModel, project: Project) -> None:
    project.store_ranking(StoredRanking(chosen="nuclei-he", left_out=("rat-axons-sem",)))
    data.objects.type_diameter("31")
    assert project.manifest.object_diameter == data.state.object_diameter == 31
    assert project.ranking() == StoredRanking(chosen="nuclei-he")
    data.objects.type_diameter("")
    assert project.manifest.object_diameter is None


def test_it_is_fixed_once_something_was_trained_and_the_circle_goes_back(
    data: DataModel, project: Project, graft_window: Window
) -> None:
    project.runs.start("scratch", SPEC, 1, object_diameter=61.0)
    graft_window.workbench.context.runs_changed.emit()
    assert data.state.known_diameter == KnownDiameter(61, "trained")
    data.objects.show_circle((40, 40), PIXELS.shape)
    before = data.state.circle
    assert before == ObjectCircle((40, 40), 61)
    data.objects.drag_circle(ObjectCircle((40, 40), 90))
    data.objects.drop_circle(before)
    assert "round 1 was trained" in data.state.diameter_error
    assert data.state.circle == before


def test_circle_that_is_made_wider_says_how_wide_objects_are_and_one_that_is_moved_says_nothing(
    data: DataModel, project: Project
) -> None:
    data.objects.show_circle((40, 50), PIXELS.shape)
    first = data.state.circle
    assert first is not None
    assert first.diameter == pytest.approx(9.6)
    data.objects.drag_circle(moved := replace(first, centre=(20, 20)))
    data.objects.drop_circle(first)
    assert (data.state.circle, project.manifest.object_diameter) == (moved, None)
    data.objects.drag_circle(ObjectCircle((20, 20), 30.4))
    assert project.manifest.object_diameter is None
    data.objects.drop_circle(moved)
    assert project.manifest.object_diameter == 30
    assert data.state.circle == ObjectCircle((20, 20), 30)


def test_what_is_typed_makes_the_circle_as_wide(data: DataModel, project: Project) -> None:
    data.objects.show_circle((40, 50), PIXELS.shape)
    data.objects.type_diameter("55")
    assert data.state.circle == ObjectCircle((40, 50), 55)


def test_what_a_job_finds_is_shown_and_told_before_it_ends(
    data: DataModel, project: Project, graft_window: Window, tmp_path: Path
) -> None:
    make_source(tmp_path / "home" / "sources" / "scaled", "scaled", spec=SPEC, structure="nuclei")
    told: list[str] = []
    is_seen = threading.Event()
    data.objects.noticed.connect(told.append)
    assert data.state.known_diameter == NOT_KNOWN

    def work(report: Report, cancel: CancelToken) -> bool:
        view_of(project, SPEC, cancel, report)
        report(Progress(0, None, "comparing"))
        return is_seen.wait(PATIENCE)

    jobs = graft_window.workbench.context.jobs
    jobs.start("Ranking", work, lane="ranking", on_done=bool)
    while not told and jobs.active:
        graft_window.step()
    assert jobs.active
    assert data.state.known_diameter == known_diameter(project)
    assert data.state.known_diameter.origin in ("found", "not found")
    is_seen.set()
    graft_window.wait()
    assert len(told) == 1


def test_tiles_are_as_large_as_the_objects_want_unless_the_user_said_how_large(data: DataModel) -> None:
    data.choose_image(replace(_layer(), data=np.zeros((640, 800), np.uint8)))
    assert data.state.tile_side == 256
    data.objects.type_diameter("20")
    assert data.state.tile_side == 160
    data.objects.type_diameter("")
    assert data.state.tile_side == 256

    data.state.tile_side = 96
    data.objects.type_diameter("20")
    assert data.state.tile_side == 96
