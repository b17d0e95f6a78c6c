from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_loop import PIXEL_NM

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.blockwise.plan import HALO
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.project.opening import open_project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.training.fitting import make_examples
from napari_graft.sources.network_spec import ModelSpec

CONTEXT = HALO[2][0]
TILE = Tile((16, 32), (64, 48))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, image: Path) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "p.graft"
    make_project(folder, ImageOptions(str(image), pixel_size=(PIXEL_NM, PIXEL_NM))).close()
    return folder


def _labels(labels: Path) -> np.ndarray:
    return np.asarray(open_labels(labels).read_raw(TILE)).astype(np.uint32) + np.uint32(1)


def test_an_example_shows_context_and_parts_its_labels(folder: Path, labels: Path) -> None:
    painted = _labels(labels)
    with open_project(folder) as project:
        (example,) = make_examples(view_of(project, ModelSpec()), [LabelledTile(TILE, painted)])

    assert example.image.shape == (64 + 2 * CONTEXT, 48 + 2 * CONTEXT)
    inner = (slice(CONTEXT, -CONTEXT),) * 2
    both = example.train + example.validation
    assert not (example.train.astype(bool) & example.validation.astype(bool)).any()
    assert np.count_nonzero(both) == np.count_nonzero(both[inner]) == 64 * 48
    for value in np.unique(painted):
        assert np.unique(both[inner][painted == value]).size == 1


def test_an_example_lies_on_the_grid_of_the_model(folder: Path, labels: Path) -> None:
    coarse = ModelSpec(pixel_size=(2 * PIXEL_NM, 2 * PIXEL_NM))
    with open_project(folder) as project:
        (example,) = make_examples(view_of(project, coarse), [LabelledTile(TILE, _labels(labels))])

    assert example.image.shape == (32 + 2 * CONTEXT, 24 + 2 * CONTEXT)
    assert np.count_nonzero(example.train + example.validation) == 32 * 24


def test_huge_ids_are_as_good_as_small_ones(folder: Path, labels: Path) -> None:
    small = _labels(labels)
    huge = np.where(small >= 2, small + np.uint32(4_294_000_000), small).astype(np.uint32)
    with open_project(folder) as project:
        view = view_of(project, ModelSpec())
        (from_small,) = make_examples(view, [LabelledTile(TILE, small)])
        (from_huge,) = make_examples(view, [LabelledTile(TILE, huge)])

    np.testing.assert_array_equal(from_huge.train, from_small.train)
    np.testing.assert_array_equal(from_huge.validation, from_small.validation)
    assert from_huge.train.max() < 2**24  # exact as float32


def test_strokes_keep_background_and_unlabelled_apart(folder: Path) -> None:
    strokes = np.zeros(TILE.shape, np.uint32)
    strokes[::4] = 900
    with open_project(folder) as project:
        tile = LabelledTile(TILE, strokes, complete=False)
        (example,) = make_examples(view_of(project, ModelSpec()), [tile])

    assert set(np.unique(example.train + example.validation)) == {0, 2}


def test_nothing_labelled_is_nothing_to_learn_from(folder: Path) -> None:
    empty = LabelledTile(TILE, np.zeros(TILE.shape, np.uint32), complete=False)
    with open_project(folder) as project, pytest.raises(InputError, match="1 annotated tiles hold no"):
        make_examples(view_of(project, ModelSpec()), [empty])
