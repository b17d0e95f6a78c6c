from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.core.labels import to_segments
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.project.opening import open_project
from napari_graft.project.tile_queue import StoredSuggestion, SuggestionList
from napari_graft.session.annotation import annotate_from_labels, chosen_tiles
from napari_graft.session.projects.creation import ImageOptions, make_project

TILE = Tile((16, 32), (64, 64))


@pytest.fixture
def folder(tmp_path: Path, image: Path) -> Path:
    make_project(tmp_path / "p.graft", ImageOptions(str(image))).close()
    return tmp_path / "p.graft"


def test_a_tile_takes_the_labels_that_the_label_image_has_there(folder: Path, labels: Path) -> None:
    with open_project(folder, write=True) as project:
        (accepted,) = annotate_from_labels(project, open_labels(labels), [TILE])

        assert accepted.complete
        truth = tifffile.imread(labels)[TILE.slices]
        np.testing.assert_array_equal(to_segments(project.annotations.read(TILE).labels), truth)


def test_strokes_leave_the_rest_of_the_tile_unlabelled(folder: Path, tmp_path: Path) -> None:
    strokes = np.zeros((128, 128), np.uint16)
    strokes[20:24, 40:60] = 1
    strokes[30:40, 40:60] = 7
    tifffile.imwrite(tmp_path / "strokes.tif", strokes)

    with open_project(folder, write=True) as project:
        labels = open_labels(tmp_path / "strokes.tif")
        (accepted,) = annotate_from_labels(project, labels, [TILE], is_sparse=True)

    assert not accepted.complete
    np.testing.assert_array_equal(accepted.labels, strokes[TILE.slices])


@pytest.mark.parametrize(
    ("tiles", "words"),
    [
        ([], "no tiles to annotate"),
        ([Tile((100, 100), (64, 64))], "reaches outside"),
        ([Tile((-10, 0), (64, 64))], "reaches outside"),
        ([Tile((500, 0), (64, 64))], "outside"),
        ([Tile((0, 0, 0), (1, 64, 64))], "axes"),
        ([Tile((0, 0), (64, 64)), Tile((32, 32), (64, 64))], "overlaps"),
    ],
)
def test_tiles_that_do_not_fit_change_nothing(
    folder: Path, labels: Path, tiles: list[Tile], words: str
) -> None:
    with open_project(folder, write=True) as project:
        with pytest.raises(InputError, match=words):
            annotate_from_labels(project, open_labels(labels), tiles)

        assert project.annotations.tiles() == []


def test_labels_of_another_shape_are_refused_with_both_shapes(folder: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "other.tif", np.ones((64, 64), np.uint8))
    with (
        open_project(folder, write=True) as project,
        pytest.raises(InputError, match=r"\(64, 64\).*\(128, 128\)"),
    ):
        annotate_from_labels(project, open_labels(tmp_path / "other.tif"), [TILE])


def test_the_suggested_tiles_and_those_of_a_file_are_found(folder: Path, tmp_path: Path) -> None:
    stored = StoredSuggestion(start=TILE.start, shape=TILE.shape, score=0.5, reason="because")
    row = {"start": [0, 0], "shape": [32, 48], "score": 1.0, "reason": "as suggest --json prints it"}
    (tmp_path / "tiles.json").write_text(json.dumps([row]))

    with open_project(folder, write=True) as project:
        project.store_suggestions(SuggestionList(suggestions=(stored,)))

        assert chosen_tiles(project, "suggested") == [TILE]
        assert chosen_tiles(project, str(tmp_path / "tiles.json")) == [Tile((0, 0), (32, 48))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", "Invalid JSON"),
        ('{"start": [0, 0]}', "list"),
        ('[{"start": [0, 0]}]', "0.shape"),
        ('[{"start": [0, 0], "shape": [0, 9]}]', "at least 1"),
        ('[{"start": [0], "shape": [9, 9]}]', "differ in length"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_list_of_tiles_is_explained(
    folder: Path, tmp_path: Path, text: str | None, words: str
) -> None:
    if text is not None:
        (tmp_path / "tiles.json").write_text(text)

    with open_project(folder) as project, pytest.raises(InputError, match=words):
        chosen_tiles(project, str(tmp_path / "tiles.json"))
