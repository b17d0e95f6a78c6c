from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from napari.layers import Image, Labels, Layer, Shapes

from napari_graft._napari.project_files import get_reader, read_project
from napari_graft._napari.project_layers import EDGE_COLOURS
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.project.tile_queue import StoredSuggestion, SuggestionList
from napari_graft.session.projects.creation import ImageOptions, make_project

STACK = np.random.default_rng(0).integers(0, 255, (5, 60, 80), np.uint8)
PAINTED = np.random.default_rng(1).integers(1, 9, (2, 20, 20)).astype(np.uint32)
TILE = Tile((1, 10, 30), (2, 20, 20))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a project of a stack, one tile painted and one suggested."""
    tifffile.imwrite(tmp_path / "image.tif", STACK, compression="zlib", metadata={"axes": "ZYX"})
    options = ImageOptions(str(tmp_path / "image.tif"), pixel_size=(40, 8, 8))
    with make_project(tmp_path / "cortex.graft", options) as project:
        project.accept(LabelledTile(TILE, PAINTED), who="test")
        wanted = StoredSuggestion(
            start=(4, 0, 0), shape=(1, 20, 20), score=1.0, reason="unsure about borders"
        )
        project.store_suggestions(SuggestionList(suggestions=(wanted,)))
    return tmp_path / "cortex.graft"


def layers_of(folder: Path) -> dict[str, Any]:
    layers = [Layer.create(*layer) for layer in read_project(str(folder))]
    assert all(layer.metadata["napari_graft"]["project"] == str(folder) for layer in layers)
    return {layer.metadata["napari_graft"]["role"]: layer for layer in layers}


def test_the_image_is_shown_at_its_pixel_size_and_measured_contrast(folder: Path) -> None:
    image = layers_of(folder)["image"]

    assert isinstance(image, Image)
    assert image.name == "cortex"
    np.testing.assert_array_equal(np.asarray(image.data), STACK)
    assert image.scale.tolist() == [40, 8, 8]
    assert {str(unit) for unit in image.units} == {"nanometer"}
    assert 0 <= image.contrast_limits[0] < image.contrast_limits[1] <= 255


def test_what_was_painted_lies_in_its_place_and_cannot_be_painted_over(folder: Path) -> None:
    labels = layers_of(folder)["labels"]

    assert isinstance(labels, Labels)
    expected = np.zeros(STACK.shape, np.uint32)
    expected[TILE.slices] = PAINTED
    np.testing.assert_array_equal(np.asarray(labels.data[0]), expected)
    assert labels.scale.tolist() == [40, 8, 8]
    assert not labels.editable
    grey = labels.colormap.map(np.array([1]))[0]
    assert grey[0] == grey[1] == grey[2]


def test_tiles_are_outlined_in_each_of_their_slices_by_their_state(folder: Path) -> None:
    tiles = layers_of(folder)["tiles"]

    assert isinstance(tiles, Shapes)
    assert tiles.features["state"].tolist() == ["done", "done", "to do"]
    assert tiles.features["reason"].tolist() == ["", "", "unsure about borders"]
    assert [corners[0, 0] for corners in tiles.data] == [1, 2, 4]
    assert tiles.data[0].min(axis=0).tolist() == [1, 9.5, 29.5]
    assert tiles.data[0].max(axis=0).tolist() == [1, 29.5, 49.5]
    assert len(np.unique(tiles.edge_color, axis=0)) == 2
    assert set(tiles.features["state"]) <= set(EDGE_COLOURS)


def test_a_new_project_shows_its_image_alone(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    tifffile.imwrite(tmp_path / "tissue.tif", colours, photometric="rgb")
    make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "tissue.tif"))).close()

    layers = layers_of(tmp_path / "p.graft")

    assert list(layers) == ["image"]
    assert layers["image"].rgb
    np.testing.assert_array_equal(np.asarray(layers["image"].data), colours)
    assert layers["image"].scale.tolist() == [1, 1]


def test_the_newest_segmentation_of_the_whole_image_is_shown(folder: Path) -> None:
    results = folder / "results"
    for age, (name, shape, value) in enumerate(
        [("region", (2, 60, 80), 5), ("round-0002", STACK.shape, 3), ("round-0001", STACK.shape, 2)]
    ):
        array = zarr.create_array(results / f"{name}.zarr", shape=shape, chunks=shape, dtype="u4")
        array[:] = value
        os.utime(results / f"{name}.zarr", (1e9 - age, 1e9 - age))
    uncertainty = zarr.create_array(results / "round-0002-uncertainty.zarr", shape=STACK.shape, dtype="f4")
    uncertainty[:] = 0.5

    result = layers_of(folder)["result"]

    assert result.name == "cortex · round-0002"
    assert np.unique(np.asarray(result.data[0])).tolist() == [3]


def test_opening_leaves_the_project_to_its_writer(folder: Path) -> None:
    from napari_graft.project.opening import open_project

    with open_project(folder, write=True):
        assert len(layers_of(folder)) == 3


@pytest.mark.parametrize("path", ["a.tif", "graft", "cortex.zarr", ["a.graft", "b.graft"]])
def test_other_paths_are_left_to_other_readers(path: str | list[str]) -> None:
    assert get_reader(path) is None


def test_a_broken_project_says_what_is_wrong(folder: Path) -> None:
    read = get_reader(str(folder))
    assert read is not None
    (folder.parent / "image.tif").unlink()
    with pytest.raises(InputError, match=r"image.tif' of project .* is missing: put it back"):
        read(str(folder))
    for name in ("project.json", "project.backup.json"):
        (folder / name).write_text("{")
    with pytest.raises(InputError, match=r"project.json"):
        read(str(folder))
    for name in ("project.json", "project.backup.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"is no napari-graft project: project.json is missing in it"):
        read(str(folder))
