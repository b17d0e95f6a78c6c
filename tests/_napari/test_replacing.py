"""A layer shows an image from another file and stays as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.layers import Image

from napari_graft._napari.project_layers import show_volume
from napari_graft.io import open_volume

STACK = np.random.default_rng(0).integers(0, 255, (5, 48, 65)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(5, 48, 65), (1, 5, 48, 65), (5, 1, 48, 65)])
def test_axes_of_one_pixel_stay(tmp_path: Path, shape: tuple[int, ...]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, metadata={"axes": "ZYX"})
    layer = Image(np.zeros(shape, np.uint8), translate=(7.0,) * len(shape))
    show_volume(layer, open_volume(tmp_path / "a.tif"))

    np.testing.assert_array_equal(np.asarray(layer.data), STACK.reshape(shape))
    assert set(layer.translate) == {7.0}


def test_levels_and_colours_stay(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, metadata={"axes": "ZYX"})
    levels = [np.zeros_like(STACK), np.zeros_like(STACK[:, ::2, ::2])]
    layer = Image(levels, multiscale=True)
    show_volume(layer, open_volume(tmp_path / "a.tif"))
    np.testing.assert_array_equal(np.asarray(layer.data[0]), STACK)
    np.testing.assert_array_equal(np.asarray(layer.data[1]), STACK[:, ::2, ::2])

    colours = np.stack([STACK[0]] * 3, axis=-1)
    tifffile.imwrite(tmp_path / "rgb.tif", colours, photometric="rgb")
    layer = Image(np.zeros_like(colours), rgb=True)
    show_volume(layer, open_volume(tmp_path / "rgb.tif"))
    np.testing.assert_array_equal(np.asarray(layer.data), colours)
