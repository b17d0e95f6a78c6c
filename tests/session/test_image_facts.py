"""What is known of a project's image can be corrected until something was trained on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.project.documents import StoredRanking
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.projects.project_image import (
    correct_contrast,
    correct_pixel_size,
    correct_structure,
)
from napari_graft.sources.network_spec import ModelSpec

PIXELS = np.random.default_rng(0).integers(0, 200, (48, 64), np.uint8)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    resolution = (1e7 / 4, 1e7 / 8)  # pixels a centimetre: 4 nm along x, 8 nm along y
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, resolution=resolution, resolutionunit="CENTIMETER")
    made = make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "a.tif"), pixel_size=(10, 10)))
    made.store_ranking(StoredRanking(chosen="nuclei-he", left_out=("rat-axons-sem",)))
    return made


def test_corrections_are_kept_and_the_ranking_is_forgotten_but_not_what_was_chosen(project: Project) -> None:
    correct_pixel_size(project, (0.02, 0.03), "um")
    correct_contrast(project, inverted=True)
    correct_structure(project, "cells")
    project.close()

    with open_project(project.folder) as again:
        assert again.volume.axes.pixel_size_in("nm") == pytest.approx((20, 30))
        assert (again.manifest.inverted, again.manifest.structure) == (True, "cells")
        assert again.ranking() == StoredRanking(chosen="nuclei-he")


def test_nothing_is_forgotten_where_nothing_changes(project: Project) -> None:
    correct_pixel_size(project, (10, 10), "nm")
    correct_contrast(project, inverted=False)
    correct_structure(project, None)

    assert project.ranking().left_out == ("rat-axons-sem",)


@pytest.mark.parametrize(
    ("size", "unit"), [((0, 1), "nm"), ((float("inf"), 1), "nm"), ((1, 1, 1), "nm"), ((1, 1), "parsec")]
)
def test_what_is_no_length_changes_nothing(project: Project, size: tuple[float, ...], unit: str) -> None:
    before = project.manifest

    with pytest.raises(InputError):
        correct_pixel_size(project, size, unit)

    assert project.manifest == before


def test_what_was_trained_holds_scale_and_contrast_but_not_the_structure(project: Project) -> None:
    project.new_run("scratch", ModelSpec(), n_tiles=1)

    for correct in (
        lambda: correct_pixel_size(project, (5, 5), "nm"),
        lambda: correct_contrast(project, inverted=True),
    ):
        with pytest.raises(InputError, match="round 1 was trained at this scale and contrast"):
            correct()
    correct_structure(project, "nuclei")

    assert (project.manifest.pixel_size, project.manifest.inverted) == ((10, 10), False)
    assert project.manifest.structure == "nuclei"


def test_where_nothing_is_typed_what_the_file_says_holds(project: Project) -> None:
    correct_pixel_size(project, None, "nm")

    assert project.manifest.pixel_size == project.volume.axes.pixel_size
    assert project.volume.axes.pixel_size_in("nm") == pytest.approx((8, 4))
