"""Projects through napari's own menus: a real viewer reads and writes them by the manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from napari import Viewer
from napari.plugins import _npe2

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project

MakeViewer = Callable[..., Viewer]
PIXELS = np.random.default_rng(0).integers(0, 255, (3, 64, 64), np.uint8)


def test_an_image_is_saved_as_a_project_and_opened_again_with_what_was_painted(
    make_napari_viewer: MakeViewer, tmp_path: Path
) -> None:
    folder = tmp_path / "cortex.graft"
    viewer = make_napari_viewer(show=True)
    viewer.add_image(PIXELS, scale=(40, 8, 8), units="nm", name="cortex")
    assert viewer.layers.save(str(folder), selected=True) == [str(folder)]
    with open_project(folder, write=True) as project:
        painted = np.full((1, 32, 32), 2, np.uint32)
        project.accept(LabelledTile(Tile((1, 0, 0), painted.shape), painted), who="test")
    viewer.layers.clear()

    viewer.open(str(folder), plugin="napari-graft")

    image, labels, tiles = viewer.layers
    np.testing.assert_array_equal(np.asarray(image.data), PIXELS)
    assert [layer.scale.tolist() for layer in viewer.layers] == [[40, 8, 8]] * 3
    assert labels.data[0][1, 5, 5].compute() == 2
    assert not labels.editable
    assert tiles.features["state"].tolist() == ["done"]
    viewer.dims.set_point(0, 40)
    drawn = viewer.screenshot(canvas_only=True, flash=False)
    assert np.unique(drawn[..., :3]).size > 20


def test_a_folder_that_is_no_project_is_told_in_plain_words(
    make_napari_viewer: MakeViewer, tmp_path: Path
) -> None:
    (tmp_path / "empty.graft").mkdir()
    viewer = make_napari_viewer()
    with pytest.raises(InputError, match=r"is no napari-graft project: project.json is missing in it"):
        viewer.open(str(tmp_path / "empty.graft"), plugin="napari-graft")


def test_napari_offers_us_for_projects_and_for_single_images_only(
    make_napari_viewer: MakeViewer, tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    (tmp_path / "a.graft").mkdir()
    assert "napari-graft" in _npe2.get_readers(str(tmp_path / "a.graft"))
    assert "napari-graft" not in _npe2.get_readers(str(tmp_path / "a.tif"))
    image, labels = viewer.add_image(PIXELS), viewer.add_labels(PIXELS)
    assert "Graft project (*.graft)" in (_npe2.file_extensions_string_for_layers([image])[0] or "")
    assert "*.graft" not in (_npe2.file_extensions_string_for_layers([image, labels])[0] or "")
