"""A few tiles painted with the truth, and what the training on them comes to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import make_sample

from napari_graft.core.progress import CancelToken
from napari_graft.metrics import evaluate
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.sources.catalogue import Catalogue
from napari_graft.studies.first_look import image as first_look_image
from napari_graft.studies.first_look.image import AfterTiles, TilePainter


def paint(folder: Path, shape: tuple[int, int], n_tiles: int) -> tuple[AfterTiles | None, np.ndarray]:
    sample = make_sample(shape, seed=3)
    tifffile.imwrite(folder / "image.tif", sample.image)
    truth, painted = sample.segments.astype(np.uint32), np.zeros(shape, bool)
    options = ImageOptions(str(folder / "image.tif"), structure="nuclei")
    with make_project(folder / "p.graft", options) as project:
        found = TilePainter(project, truth, Catalogue(), CancelToken()).paint("tiny-nuclei", n_tiles)
        for tile in project.annotations.tiles():
            painted[tile.slices] = True
    return found, painted


@pytest.mark.usefixtures("quick_training")
def test_tiles_are_painted_with_the_truth_and_judged_by_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_look_image, "STEPS", 5)
    judged: list[np.ndarray] = []

    def listen(found: np.ndarray, truth: np.ndarray) -> object:
        judged.extend((found, truth))
        return evaluate(found, truth)

    monkeypatch.setattr(first_look_image, "evaluate", listen)
    found, painted = paint(tmp_path, (600, 400), 2)

    assert found is not None
    assert (found.n_tiles, found.steps) == (2, 5)
    assert painted.sum() == 2 * 256**2
    assert len(judged) == 4
    assert not any(labels[painted].any() for labels in judged)
    assert all(labels[~painted].any() for labels in judged)
    assert 0 <= found.untouched["ap50"] <= 1
    assert found.share is not None or found.after == found.untouched


def test_image_of_which_nothing_would_be_left_is_not_painted(tmp_path: Path) -> None:
    found, painted = paint(tmp_path, (280, 280), 1)
    assert found is None
    assert not painted.any()


def test_objects_that_reach_into_a_painted_tile_are_left_out_and_what_is_found_on_them() -> None:
    truth, found = np.zeros((2, 20), np.uint32), np.zeros((2, 20), np.uint32)
    truth[:, 2:8], truth[:, 12:18] = 1, 2  # the first reaches into the tile by two columns
    found[:, 5:8], found[:, 11:18] = 7, 8
    painted = np.zeros((2, 20), bool)
    painted[:, :4] = True

    kept, of_truth = first_look_image.unpainted_objects(found, truth, painted)

    assert set(np.unique(of_truth)) == {0, 2}
    assert set(np.unique(kept)) == {0, 8}
    assert (kept[:, 11:18] == 8).all()
