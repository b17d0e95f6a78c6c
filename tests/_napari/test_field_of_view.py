from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_graft._napari.overlays.field_of_view import show_place, show_tile, tile_in_view, tile_over_view
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile

SCALE, TRANSLATE = (4.0, 0.5, 0.5), (1.0, 2.0, 3.0)


def add(viewer: ViewerModel, kind: str) -> Image:
    if kind == "multiscale":
        levels = [np.zeros((9, 300, 400)), np.zeros((9, 150, 200))]
        return viewer.add_image(levels, multiscale=True, scale=SCALE, translate=TRANSLATE)
    if kind == "RGB":
        return viewer.add_image(
            np.zeros((9, 300, 400, 3), np.uint8), rgb=True, scale=SCALE, translate=TRANSLATE
        )
    return viewer.add_image(np.zeros((9, 300, 400)), scale=SCALE, translate=TRANSLATE)


@pytest.mark.parametrize("kind", ["stack", "RGB", "multiscale"])
def test_tile_that_was_shown_is_the_one_in_view(kind: str) -> None:
    viewer = ViewerModel()
    image = add(viewer, kind)
    tile = Tile((7, 40, 90), (1, 64, 64))
    show_tile(viewer, image, tile)

    assert tile_in_view(viewer, image, 64) == tile
    assert viewer.dims.current_step[0] == 7
    seen = tile_over_view(viewer, image, 1024)
    assert seen.contains(tile)
    assert min(seen.shape[1:]) < 75  # the tile fills most of the canvas


def test_tile_of_an_image_with_fewer_axes_than_the_viewer() -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros((9, 300, 400)))
    image = viewer.add_image(np.zeros((100, 120)), translate=(10, 20))
    show_place(viewer, image, (50, 60))

    assert tile_in_view(viewer, image, 11) == Tile((45, 55), (11, 11))


def test_view_is_cut_to_what_can_be_compared() -> None:
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((4000, 4000), np.uint8))
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 2000, 2000), 0.2

    seen = tile_over_view(viewer, image, 1024)

    assert seen.shape == (1024, 1024)
    assert np.abs(np.array(seen.start) + 512 - 2000).max() <= 1


def test_view_beside_the_image_is_refused() -> None:
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((100, 100)))
    viewer.scene.camera.center = (0, 9000, 9000)

    with pytest.raises(InputError, match="nothing of the image"):
        tile_over_view(viewer, image, 1024)


def test_place_is_shown_when_the_volume_is_shown_whole() -> None:
    viewer = ViewerModel(ndisplay=3)
    image = add(viewer, "stack")
    show_place(viewer, image, (3, 40, 50))

    np.testing.assert_allclose(viewer.scene.camera.center, image.data_to_world((3, 40, 50)))
    assert tile_in_view(viewer, image, 10).start[0] == 3
