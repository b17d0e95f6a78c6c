"""The pixel size of a layer: scale, units, flips, rotations and affine transformations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Image

from napari_graft._napari.images import describe_layer
from napari_graft.core.axes import Axes

STACK = np.random.default_rng(0).integers(0, 255, (5, 48, 64)).astype(np.uint8)
UM = ("um",) * 3
SHEAR = np.array([[1, 0, 0, 0], [0, 1, 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


@pytest.mark.parametrize(
    ("placed", "expected", "unit"),
    [
        ({"scale": (0.3, 0.1, 0.1), "units": UM}, (300, 100, 100), "um"),
        ({"scale": (0.3, 0.1, -0.1), "units": UM}, (300, 100, 100), "um"),
        ({"scale": (-0.3, -0.1, -0.1), "units": UM}, (300, 100, 100), "um"),
        ({"scale": (40, 0.004, 0.004), "units": ("nm", "um", "um")}, (40, 4, 4), "um"),
        ({"scale": (0.04, 4, 4), "units": ("um", "nm", "nm")}, (40, 4, 4), "nm"),
        ({"scale": (20, 2, 2), "units": ("angstrom",) * 3}, (2, 0.2, 0.2), "nm"),
        ({"scale": (0.04e-6, 4e-9, 4e-9), "units": ("m",) * 3}, (40, 4, 4), "nm"),
        ({"scale": (1, 2, 2), "units": UM, "rotate": 30}, (1000, 2000, 2000), "nm"),
        ({"scale": (40, 0.004, 0.004), "units": ("nm", "um", "um"), "rotate": 30}, (40, 4, 4), "nm"),
        ({"units": UM, "affine": np.diag([1, 5, 5, 1.0])}, (1000, 5000, 5000), "um"),
        ({"units": UM, "affine": np.diag([1, -5, 5, 1.0]), "scale": (2, 1, 1)}, (2000, 5000, 5000), "um"),
        ({"units": UM, "translate": (9, 9, 9), "scale": (0.3, 0.1, 0.1)}, (300, 100, 100), "um"),
    ],
)
def test_the_pixel_size_is_what_the_place_in_the_world_means(
    placed: dict[str, Any], expected: tuple[float, ...], unit: str
) -> None:
    image = describe_layer(Image(STACK, **placed))
    assert Axes(("z", "y", "x"), image.pixel_size, image.unit).pixel_size_in("nm") == pytest.approx(expected)
    assert (image.unit, image.size_note.origin, image.size_note.doubt) == (unit, "the layer", "")


@pytest.mark.parametrize(
    ("placed", "word"),
    [
        ({"scale": (0.3, 0.1, 0.1)}, "without a unit"),
        ({"affine": np.diag([1, 5, 5, 1.0])}, "without a unit"),
        ({"scale": (1, 2, 2), "rotate": 30}, "without a unit of length"),
        ({"scale": (40, 4, 4), "units": ("nm", "pixel", "pixel")}, "without a unit"),
        ({"scale": (40, 1e6, 1e6), "units": UM}, "too coarse"),
        ({}, ""),
        ({"scale": (1, 1, 1), "units": ("pixel",) * 3}, ""),
    ],
)
def test_a_scale_that_is_no_length_leaves_the_size_unknown_and_says_why(
    placed: dict[str, Any], word: str
) -> None:
    image = describe_layer(Image(STACK, **placed))
    assert image.pixel_size is None
    assert word in image.size_note.doubt
    assert bool(word) == bool(image.size_note.doubt)


@pytest.mark.parametrize("sheared", [{"affine": SHEAR}, {"shear": (0, 0, 0.5)}])
def test_a_sheared_layer_is_doubted(sheared: dict[str, Any]) -> None:
    image = describe_layer(Image(STACK, units=UM, **sheared))
    assert image.size_note.doubt == "the layer is sheared: its pixels have no right angles"
