"""What is read off an image layer."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_graft._napari.images import describe_layer, find_described, mark_image, shape_of
from napari_graft._napari.overlays.field_of_view import pixel_looked_at, show_place
from napari_graft.core.tile import Tile

STACK = np.random.default_rng(0).integers(0, 255, (5, 48, 64)).astype(np.uint8)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (STACK[None], STACK),
        (STACK[None, None], STACK),
        (STACK[:, None], STACK),
        (STACK[..., None], STACK),
        (STACK[0][..., None], STACK[0]),
        (STACK[:1], STACK[0]),
        (STACK, STACK),
        (STACK[0], STACK[0]),
    ],
)
def test_axes_of_one_pixel_are_left_out(data: np.ndarray, expected: np.ndarray) -> None:
    scale = [9.0 if n == 1 else float(n) for n in data.shape]
    image = describe_layer(Image(data, scale=scale, units=("nm",) * data.ndim))
    assert image.axes().names == ("z", "y", "x")[-expected.ndim :]
    assert image.pixel_size == tuple(map(float, expected.shape))
    whole = Tile((0,) * expected.ndim, expected.shape)
    np.testing.assert_array_equal(image.volume().read_raw(whole), expected)


def test_colours_stay_where_axes_are_left_out() -> None:
    colours = np.stack([STACK[0]] * 3, axis=-1)[None]
    image = describe_layer(Image(colours, rgb=True))
    assert (image.shape, image.has_channels) == ((48, 64), True)
    np.testing.assert_array_equal(image.volume().read_raw(Tile((0, 0), (48, 64))), colours[0])


def test_two_time_points_are_refused() -> None:
    with pytest.raises(ValueError, match="4 axes"):
        describe_layer(Image(np.stack([STACK, STACK]))).axes()


def test_a_layer_is_found_again_where_our_layers_would_lie_on_it() -> None:
    viewer = ViewerModel()
    leading = viewer.add_image(STACK[None])
    trailing = viewer.add_image(STACK[..., None])
    assert shape_of(leading) == STACK.shape
    assert find_described(viewer, describe_layer(leading)) is leading
    assert find_described(viewer, describe_layer(trailing)) is None
    leading.data = STACK[None].copy()
    other = describe_layer(leading)
    leading.data = STACK[None].copy()
    assert find_described(viewer, other) is None


def test_places_of_a_layer_with_a_leading_axis_are_those_of_its_stack(tmp_path) -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(STACK[None])
    mark_image(layer, tmp_path)
    show_place(viewer, layer, (3, 20, 30))
    assert pixel_looked_at(viewer, tmp_path) == (3, 20, 30)
