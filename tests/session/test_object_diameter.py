"""How wide the objects of a project's image are: said, trained with, or found, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import LOOK, make_sample, make_source

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import NOTE, CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.imaging.resample import resample_image
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.scorers.scale import FoundDiameter
from napari_graft.session.model_comparison import PreviewOptions, preview_models
from napari_graft.session.prediction import PredictOptions, predict_project
from napari_graft.session.projects import object_diameter as module
from napari_graft.session.projects.creation import ImageOptions, describe_project, make_project
from napari_graft.session.projects.object_diameter import KnownDiameter, choose_scouts, known_diameter
from napari_graft.session.projects.project_image import (
    correct_contrast,
    correct_object_diameter,
    find_diameter_beforehand,
    view_of,
)
from napari_graft.session.ranking.rank import rank_sources
from napari_graft.session.suggestion import SuggestOptions, choose_tiles
from napari_graft.session.training.train import ProjectTask
from napari_graft.sources.card import TrainingRecord
from napari_graft.sources.catalogue import SOURCES_VARIABLE, Catalogue
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.sources.source import open_source

OWN = 2 * LOOK.radius
SPEC = ModelSpec(widths=(8, 16), object_diameter=OWN)
ZOOM = 3


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    make_source(folder / "tiny-scaled", "tiny-scaled", seed=1, n_steps=200, spec=SPEC, structure="nuclei")
    return folder


@pytest.fixture
def project(tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An image whose objects are three times as wide as those that the source knows."""
    monkeypatch.setenv(SOURCES_VARIABLE, str(sources))
    image = make_sample((160, 192), seed=5).image.astype(np.float32)
    large = resample_image(image, tuple(ZOOM * n for n in image.shape))
    tifffile.imwrite(tmp_path / "large.tif", large.astype(np.uint8))
    return make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "large.tif"), structure="nuclei"))


def test_what_nobody_said_is_found_and_brings_the_image_to_the_scale_of_the_source(project: Project) -> None:
    view = view_of(project, SPEC)
    assert view.object_diameter == pytest.approx(ZOOM * OWN, rel=0.25)
    assert view.factors == pytest.approx((1 / ZOOM, 1 / ZOOM), rel=0.25)


@pytest.mark.usefixtures("few_sources")
def test_it_is_found_where_most_of_the_image_is_empty(tmp_path: Path) -> None:
    # By a shipped source: what a tiny one takes the grain of empty ground for hangs on the number of threads.
    image = make_sample((160, 192), seed=7).image
    sparse = np.full((1000, 1000), image.min(), np.uint8)
    sparse[700:860, 100:292] = image
    tifffile.imwrite(tmp_path / "sparse.tif", sparse)
    options = ImageOptions(str(tmp_path / "sparse.tif"), structure="nuclei")
    with make_project(tmp_path / "sparse.graft", options) as sparse_project:
        assert view_of(sparse_project, SPEC).object_diameter == pytest.approx(OWN, rel=0.25)


def test_it_is_looked_for_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = view_of(project, SPEC).object_diameter
    monkeypatch.setattr(module, "look_for_diameter", lambda *_: pytest.fail("looked for again"))
    assert view_of(project, SPEC).object_diameter == first
    with open_project(project.folder) as again:
        assert view_of(again, SPEC).object_diameter == first


def test_a_damaged_memory_of_it_costs_only_looking_again(project: Project) -> None:
    first = view_of(project, SPEC).object_diameter
    (project.folder / module.FILE).write_bytes(b"{")
    assert view_of(project, SPEC).object_diameter == first


def test_looking_for_it_is_told_of_scale_by_scale_and_what_was_found_in_a_note(project: Project) -> None:
    told: list[Progress] = []
    found = view_of(project, SPEC, report=told.append).object_diameter
    assert found is not None
    *scales, note = told
    assert [(one.done, one.total) for one in scales] == [(n, 15) for n in range(15)]
    assert {one.message for one in scales} == {"finding how wide the objects are"}
    assert note.message == f"{NOTE}objects are taken to be about {found:.0f} pixels wide"
    told.clear()
    view_of(project, SPEC, report=told.append)
    assert told == []


def _rank(project: Project, report: Report) -> object:
    return rank_sources(project, Catalogue().sources(), device="cpu", report=report, cancel=CancelToken())


def _predict(project: Project, report: Report) -> object:
    request = PredictOptions(project.folder.parent / "out.tif", source="tiny-scaled", device="cpu")
    return predict_project(project, request, catalogue=Catalogue(), report=report, cancel=CancelToken())


def _suggest(project: Project, report: Report) -> object:
    request = SuggestOptions(tile=64, source="tiny-scaled", device="cpu")
    return choose_tiles(project, request, catalogue=Catalogue(), report=report, cancel=CancelToken())


def _preview(project: Project, report: Report) -> object:
    tiles = (Tile((0, 0), (64, 64)),)
    request = PreviewOptions(("tiny-scaled",), tiles, project.folder / "preview.safetensors", device="cpu")
    return preview_models(project, request, catalogue=Catalogue(), report=report, cancel=CancelToken())


def _train(project: Project, report: Report) -> object:
    return ProjectTask(project, Catalogue(), report, CancelToken()).fitting(SPEC, ())


@pytest.mark.parametrize("work", [_rank, _predict, _suggest, _preview, _train])
def test_whatever_needs_the_diameter_tells_of_looking_for_it(
    project: Project, work: Callable[[Project, Report], object]
) -> None:
    def report(state: Progress) -> None:
        if state.phase == "object size":
            raise Cancelled("seen")

    with pytest.raises(Cancelled, match="seen"):
        work(project, report)


def test_looking_ends_before_the_next_tile_when_asked_to_stop(project: Project) -> None:
    cancel = CancelToken()
    told: list[Progress] = []

    def report(state: Progress) -> None:
        told.append(state)
        if state.done == 2:
            cancel.cancel()

    with pytest.raises(Cancelled):
        view_of(project, SPEC, cancel, report)
    assert [one.done for one in told] == [0, 1, 2]
    assert known_diameter(project) == KnownDiameter()


def test_what_several_networks_need_is_found_before_they_work_and_nothing_where_none_does(
    project: Project,
) -> None:
    told: list[Progress] = []
    find_diameter_beforehand(project, [ModelSpec()], CancelToken(), told.append)
    assert told == []
    find_diameter_beforehand(project, [ModelSpec(), SPEC], CancelToken(), told.append)
    assert told[-1].message.startswith(NOTE)


def test_wider_objects_that_were_seen_as_well_are_remembered(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def look(*_: object, innermost: bool) -> FoundDiameter:
        asked.append(innermost)
        return FoundDiameter(18.0, 0.5, wider=130.0)

    monkeypatch.setattr(module, "look_for_diameter", look)
    assert view_of(project, SPEC).object_diameter == 18
    assert known_diameter(project) == KnownDiameter(18, "found", wider=130)
    assert asked == [True]  # nuclei lie in cells
    correct_object_diameter(project, 130)
    assert known_diameter(project) == KnownDiameter(130, "said")


def test_it_is_known_how_the_diameter_is_known(project: Project) -> None:
    assert known_diameter(project) == KnownDiameter(None, "unknown")
    found = view_of(project, SPEC).object_diameter
    assert known_diameter(project) == KnownDiameter(found, "found")
    correct_contrast(project, inverted=True)  # it was found in another image, as it were
    assert known_diameter(project) == KnownDiameter(None, "unknown")
    correct_contrast(project, inverted=False)
    correct_object_diameter(project, 40)
    assert known_diameter(project) == KnownDiameter(40, "said")
    correct_object_diameter(project, None)
    assert known_diameter(project) == KnownDiameter(found, "found")
    project.runs.start("tiny-scaled", SPEC, 1, object_diameter=61.0)
    assert known_diameter(project) == KnownDiameter(61, "trained")


def test_what_is_looked_for_in_vain_is_known_not_to_be_found(project: Project, tmp_path: Path) -> None:
    ramp = np.tile(np.arange(200, dtype=np.uint8), (96, 1))
    tifffile.imwrite(tmp_path / "ramp.tif", ramp)
    options = ImageOptions(str(tmp_path / "ramp.tif"), structure="nuclei")
    told: list[Progress] = []
    with make_project(tmp_path / "bare.graft", options) as bare:
        view_of(bare, SPEC, report=told.append)
        assert known_diameter(bare) == KnownDiameter(None, "not found")
    assert "was not found" in told[-1].message


def test_looking_can_be_stopped_and_leaves_nothing(project: Project) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        view_of(project, SPEC, cancel)
    assert not (project.folder / module.FILE).exists()


def test_what_the_user_says_counts_and_nothing_is_looked_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "look_for_diameter", lambda *_: pytest.fail("looked for"))
    correct_object_diameter(project, 40)
    assert view_of(project, SPEC).object_diameter == 40
    project.close()
    described = describe_project(project.folder)
    assert (described["object_diameter"], described["object_diameter_from"]) == (40, "said")


def test_a_source_that_does_not_know_its_own_sees_the_image_as_it_is(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "look_for_diameter", lambda *_: pytest.fail("looked for"))
    view = view_of(project, ModelSpec())
    assert (view.object_diameter, view.factors) == (None, (1, 1))


def test_a_round_keeps_the_diameter_that_it_was_trained_with(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.runs.start("tiny-scaled", SPEC, 1, object_diameter=61.0)
    monkeypatch.setattr(module, "look_for_diameter", lambda *_: pytest.fail("looked for"))
    assert view_of(project, SPEC).object_diameter == 61
    with pytest.raises(InputError, match="round 1 was trained"):
        correct_object_diameter(project, 30)


@pytest.mark.parametrize("pixels", [0, 1.9, -5, 1e9, float("nan"), float("inf")])
def test_what_no_object_can_be_is_refused_before_a_project_is_made(
    project: Project, tmp_path: Path, pixels: float
) -> None:
    options = ImageOptions(project.image.path, object_diameter=pixels)
    with pytest.raises(InputError, match="pixels wide"):
        make_project(tmp_path / "q.graft", options)
    assert not (tmp_path / "q.graft").exists()


def test_the_sources_that_are_asked_are_of_the_wanted_structure_and_have_not_seen_the_image(
    project: Project, sources: Path, tmp_path: Path
) -> None:
    found = Catalogue([(sources, "user")]).sources()
    image = project.image.path
    assert [choose_scouts(found, wanted, image) for wanted in ("nuclei", "cells", None)] == [found] * 3
    assert choose_scouts(found, "neurites", image) == []
    make_source(tmp_path / "of-cells", "of-cells", spec=SPEC, structure="cells")
    both = [*found, open_source(tmp_path / "of-cells", "user")]
    assert choose_scouts(both, "nuclei", image) == found
    assert choose_scouts([], "nuclei", image) == []
    make_source(
        tmp_path / "seen", "seen", spec=SPEC, structure="nuclei", training=TrainingRecord(datasets=("large",))
    )
    assert choose_scouts([open_source(tmp_path / "seen", "user")], "nuclei", image) == []
