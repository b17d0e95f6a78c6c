from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_graft._napari.layers import find_layer
from napari_graft._napari.painting import TileLayers, annotation_colours
from napari_graft.core.tile import Tile
from napari_graft.workbench.annotate.tile_painting import Guess, TilePainting, new_painting


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def image(viewer: ViewerModel) -> Image:
    return viewer.add_image(np.zeros((4, 64, 96), np.uint8), scale=(40, 4, 8), translate=(0, 100, 200))


def finish(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


def painting(start: tuple[int, ...], *, has_guess: bool = True) -> TilePainting:
    tile = Tile(start, (1, 16, 16))
    segments = np.zeros(tile.shape, np.uint32)
    segments[0, 4:9, 4:9] = 3
    guess = Guess(segments, np.full(tile.shape, 0.5, np.float32)) if has_guess else None
    return new_painting(tile, guess, "model", is_sparse=False)


def test_layers_lie_on_the_pixels_of_the_tile(viewer: ViewerModel, image: Image) -> None:
    layers = TileLayers(viewer)
    finish(layers.show(image, painting((2, 16, 32))))
    finish(layers.show(image, painting((3, 32, 48))))

    for role in ("labels", "guess", "uncertainty"):
        layer = find_layer(viewer, role, is_tile=True)
        np.testing.assert_array_equal(layer.data_to_world((0, 5, 6)), image.data_to_world((3, 37, 54)))
    assert layers.tile == Tile((3, 32, 48), (1, 16, 16))


def test_guess_has_the_colour_of_the_labels_that_it_became(viewer: ViewerModel, image: Image) -> None:
    layers = TileLayers(viewer)
    finish(layers.show(image, painting((2, 16, 32))))

    guess = find_layer(viewer, "guess", is_tile=True)
    is_object = guess.data > 0
    np.testing.assert_array_equal(guess.data[is_object], layers.labels.data[is_object])
    assert is_object.sum() == 25
    assert not guess.editable
    assert layers.labels.data.min() == 1


def test_layers_of_the_guess_show_nothing_where_there_is_none(viewer: ViewerModel, image: Image) -> None:
    layers = TileLayers(viewer)
    finish(layers.show(image, painting((2, 16, 32))))
    finish(layers.show(image, painting((3, 16, 32), has_guess=False)))

    assert not find_layer(viewer, "guess", is_tile=True).data.any()
    assert find_layer(viewer, "uncertainty", is_tile=True) is None
    assert not layers.labels.data.any()


def test_what_is_painted_never_reaches_the_arrays_that_it_began_with(
    viewer: ViewerModel, image: Image
) -> None:
    layers = TileLayers(viewer)
    begun = painting((2, 16, 32))
    finish(layers.show(image, begun))
    layers.labels.data[:] = 9

    assert begun.labels.max() == 4


def test_removed_layers_are_made_again_and_all_go_when_asked(viewer: ViewerModel, image: Image) -> None:
    layers = TileLayers(viewer)
    finish(layers.show(image, painting((2, 16, 32))))
    for role in ("labels", "guess", "uncertainty"):
        viewer.layers.remove(find_layer(viewer, role, is_tile=True))
    layers.show_guess(True)
    layers.take_new_label()
    finish(layers.show(image, painting((2, 16, 32))))
    assert len(viewer.layers) == 4

    finish(layers.remove())
    assert list(viewer.layers) == [image]


def test_tile_can_be_painted_before_its_guess_is_drawn(viewer: ViewerModel, image: Image) -> None:
    layers = TileLayers(viewer)
    steps = layers.show(image, painting((2, 16, 32)))
    for _ in range(3):
        next(steps)

    assert [layer.metadata["napari_graft"]["role"] for layer in viewer.layers[1:]] == ["labels"]
    assert layers.labels.mode == "paint"
    assert viewer.layers.selection.active is layers.labels
    finish(steps)
    roles = [layer.metadata["napari_graft"]["role"] for layer in viewer.layers[1:]]
    assert roles == ["uncertainty", "labels", "guess"]


def test_nothing_more_is_shown_once_the_user_removed_the_layer(viewer: ViewerModel, image: Image) -> None:
    layers = TileLayers(viewer)
    steps = layers.show(image, painting((2, 16, 32)))
    next(steps)
    viewer.layers.remove(layers.labels)
    finish(steps)

    assert list(viewer.layers) == [image]


def test_guess_and_uncertainty_are_seen_as_asked_for_before(viewer: ViewerModel, image: Image) -> None:
    layers = TileLayers(viewer)
    layers.show_guess(False)
    layers.show_uncertainty(True)
    finish(layers.show(image, painting((2, 16, 32))))

    seen = {layer.metadata["napari_graft"]["role"]: layer.visible for layer in viewer.layers[1:]}
    assert seen == {"uncertainty": True, "labels": True, "guess": False}


@pytest.mark.parametrize("grey", [0.0, 0.35, 0.6, 0.85])
def test_objects_and_background_are_seen_on_any_grey_and_told_apart(grey: float) -> None:
    colours = np.asarray(annotation_colours().colors, float)
    opacity = 0.5
    rgb, alpha = colours[:, :3], colours[:, 3:] * opacity
    shown = grey * (1 - alpha) + rgb * alpha
    chroma = shown[1:].max(1) - shown[1:].min(1)
    assert chroma.min() > 0.2  # an image in grey has none
    assert np.abs(shown[2:300] - shown[1]).max(1).min() > 0.15
    following = np.abs(shown[3:300] - shown[2:299]).max(1)
    assert following.min() > 0.1
