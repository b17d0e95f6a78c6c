from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import LARGEST_CELL, IntensityRange
from napari_graft.inference.view import CELL, ModelGrid, ModelView, choose_grid
from napari_graft.io.volume import Volume
from napari_graft.segmentation.decode import REPULSION_CELL
from napari_graft.sources.network_spec import ModelSpec

FACTORS = st.floats(1 / 8, 8)
STRIDES = st.sampled_from([1, 4, 8, 16, 32])


@given(factor=FACTORS, stride=STRIDES)
def test_a_unit_is_a_whole_number_of_pixels_of_both_and_near_the_wanted_factor(
    factor: float, stride: int
) -> None:
    grid = choose_grid((1.0, factor, factor), (4, stride, stride))

    assert grid.on_model[0] == grid.on_image[0] == 4
    assert all(length % stride == length % CELL == 0 for length in grid.on_model[1:])
    assert grid.factors == pytest.approx((1, factor, factor), rel=0.1)
    assert grid.to_model[1] * grid.to_image[1] == 1


def test_factors_of_whole_numbers_stay() -> None:
    grid = choose_grid((2.0, 0.25), (16, 16))
    assert (grid.on_model, grid.on_image) == ((16, 16), (8, 64))
    assert grid.to_model == (Fraction(1, 2), Fraction(4))


def test_the_cells_of_decoding_and_contrast_fit_into_a_unit() -> None:
    assert CELL % REPULSION_CELL == CELL % LARGEST_CELL == 0


@given(start=st.tuples(*[st.integers(-100, 100)] * 3), shape=st.tuples(*[st.integers(1, 90)] * 3))
def test_a_tile_begins_at_most_one_unit_before_and_ends_where_it_did(
    start: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    tile = Tile(start, shape)
    aligned = ModelGrid((16, 16), (20, 9)).align(tile)
    assert aligned.contains(tile)
    assert aligned.stop == tile.stop
    assert aligned.start[0] == tile.start[0]
    assert [a % unit for a, unit in zip(aligned.start[1:], (20, 9), strict=True)] == [0, 0]
    assert all(a - b < unit for a, b, unit in zip(tile.start[1:], aligned.start[1:], (20, 9), strict=True))


@settings(max_examples=20)
@given(data=st.data(), diameter=st.floats(6, 90))
def test_tiles_on_the_grid_are_pieces_of_one_image(data: st.DataObject, diameter: float) -> None:
    spec = ModelSpec(object_diameter=24, contrast_window=36)
    pixels = np.random.default_rng(0).random((230, 250)).astype(np.float32)
    view = ModelView(Volume(pixels, Axes(("y", "x"))), IntensityRange(0, 1), spec, diameter)
    whole = view.read(Tile((0, 0), pixels.shape))
    start = tuple(data.draw(st.integers(0, n - 1)) for n in pixels.shape)
    length = tuple(data.draw(st.integers(1, n - a)) for n, a in zip(pixels.shape, start, strict=True))
    tile = view.align(Tile(start, length))

    piece = view.read(tile)

    first = [round(a * f) for a, f in zip(tile.start, view.factors, strict=True)]
    inside = tuple(slice(a, a + n) for a, n in zip(first, piece.shape, strict=True))
    # At its ends a piece is interpolated from what it holds alone.
    inner = _without_ends(piece.shape, view.factors)
    np.testing.assert_allclose(piece[inner], whole[inside][inner], atol=1e-4)
    labels = np.arange(whole.size, dtype=np.int32).reshape(whole.shape)
    on_image = view.labels_to_image(labels, Tile((0, 0), pixels.shape))[tile.slices]
    again = view.labels_to_image(labels[inside], tile)
    inner = _without_ends(tile.shape, [1 / f for f in view.factors])
    np.testing.assert_array_equal(again[inner], on_image[inner])


def _without_ends(shape: Sequence[int], factors: Sequence[float]) -> tuple[slice, ...]:
    margins = [1 + ceil(factor) for factor in factors]
    return tuple(slice(m, max(n - m, m)) for n, m in zip(shape, margins, strict=True))
