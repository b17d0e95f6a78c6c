"""An image as a model sees it: scale by the diameter of objects, and contrast without seams."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange, local_contrast
from napari_graft.inference.view import ModelView, scale_factors
from napari_graft.io import Volume
from napari_graft.sources.network_spec import ModelSpec

PLANE = Axes(("y", "x"))
SIZED = Axes(("y", "x"), (8.0, 8.0), "nm")


def _image(shape: tuple[int, ...]) -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(0).normal(0, 1, shape), 3)
    light = np.linspace(1, 3, shape[-1])
    return (100 + 40 * light * noise / noise.std()).astype(np.float32)


def _view(image: np.ndarray, diameter: float | None = None, **spec: float) -> ModelView:
    volume = Volume(image, Axes(("z", "y", "x")[-image.ndim :]))
    return ModelView(volume, IntensityRange(0, 300), ModelSpec(**spec), diameter)


@pytest.mark.parametrize(
    ("axes", "own", "wanted", "factor"),
    [
        (PLANE, None, None, 1.0),
        (PLANE, 24.0, None, 1.0),
        (PLANE, None, 96.0, 1.0),
        (PLANE, 24.0, 96.0, 0.25),
        (SIZED, None, None, 2.0),
        (SIZED, None, 96.0, 2.0),
        (SIZED, 24.0, None, 2.0),
        (SIZED, 24.0, 12.0, 2.0),
        (SIZED, 24.0, 96.0, 0.25),
    ],
)
def test_diameters_decide_the_scale_where_both_are_known_else_the_pixel_sizes(
    axes: Axes, own: float | None, wanted: float | None, factor: float
) -> None:
    spec = ModelSpec(pixel_size=(4.0, 4.0), object_diameter=own)
    assert scale_factors(axes, spec, wanted) == (factor, factor)


def test_along_z_the_pixel_sizes_decide_also_where_diameters_are_known() -> None:
    axes = Axes(("z", "y", "x"), (40.0, 8.0, 8.0), "nm")
    spec = ModelSpec(ndim=3, pixel_size=(20.0, 4.0, 4.0), object_diameter=10)
    assert scale_factors(axes, spec, 40.0) == (2.0, 0.25, 0.25)


@pytest.mark.parametrize("diameter", [None, 12.0, 24.0, 48.0])
def test_a_tile_shows_what_the_whole_image_shows_there(diameter: float | None) -> None:
    image = _image((480, 640))
    view = _view(image, diameter, object_diameter=24, contrast_window=20)
    factor = view.factors[0]
    tile = Tile((120, 240), (120, 240))
    whole = view.read(Tile((0, 0), (480, 640)))
    start, shape = [round(n * factor) for n in tile.start], view.shape_on_model(tile)
    expected = whole[tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))]
    inner = (slice(2, -2),) * 2
    assert np.abs(view.read(tile) - expected)[inner].max() < 0.02


def test_an_image_without_a_scale_is_flattened_as_it_is() -> None:
    image = _image((100, 110))
    view = _view(image, contrast_window=10)
    expected = local_contrast(IntensityRange(0, 300).normalise(image), 10)
    shown = view.read(Tile((0, 0), image.shape))
    inner = (slice(45, -45),) * 2
    np.testing.assert_allclose(shown[inner], expected[inner], atol=0.02)


def test_a_slice_of_a_stack_is_flattened_within_its_plane() -> None:
    stack = np.stack([_image((90, 80)), np.full((90, 80), 250, np.float32)])
    flat = _view(stack, contrast_window=8).read(Tile((0, 0, 0), (1, 90, 80)))
    alone = _view(stack[0], contrast_window=8).read(Tile((0, 0), (90, 80)))
    np.testing.assert_array_equal(flat, alone)


@pytest.mark.parametrize("diameter", [None, 48.0])
def test_pixels_without_data_leave_the_contrast_beside_them_as_it_is(diameter: float | None) -> None:
    image = _image((300, 400))
    gapped = image.copy()
    gapped[:, :160] = 65535
    shown, beside = (
        ModelView(
            Volume(one, PLANE, no_data=65535.0),
            IntensityRange(0, 300),
            ModelSpec(object_diameter=24, contrast_window=20),
            diameter,
        ).read(Tile((0, 160), (300, 240)))
        for one in (image, gapped)
    )
    untold = _view(gapped, diameter, object_diameter=24, contrast_window=20).read(Tile((0, 160), (300, 240)))
    border = (slice(None), slice(2, round(shown.shape[1] / 8)))
    errors = [float(np.abs(shown - other)[border].mean()) for other in (beside, untold)]
    assert errors[0] < errors[1] / 3


def test_window_far_wider_than_the_image_reads_no_more_than_twice_around_it() -> None:
    image = np.random.default_rng(0).uniform(0, 255, (200, 240)).astype(np.float32)
    spec = ModelSpec(object_diameter=8, contrast_window=96)
    asked: list[tuple[int, ...]] = []

    class Listening(Volume):
        def read_with_gaps(self, tile: Tile):  # type: ignore[no-untyped-def]
            asked.append(tile.shape)
            return super().read_with_gaps(tile)

    view = ModelView(Listening(image, Axes(("y", "x"))), IntensityRange(0, 255), spec, 200.0)
    flat = view.read(Tile((0, 0), image.shape))

    assert flat.shape == view.shape_on_model(Tile((0, 0), image.shape))
    limit = [5 * n + 2 * unit for n, unit in zip(image.shape, view.grid.on_image, strict=True)]
    assert all(n <= most for shape in asked for n, most in zip(shape, limit, strict=True))
    grey = view.intensity.normalise(image)
    assert abs(float(flat.mean()) - float(grey.mean() / (2 * grey.std()))) < 0.1
