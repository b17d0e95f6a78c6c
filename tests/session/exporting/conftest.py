"""Label images with all that is awkward, and their export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from napari_graft import export

Labels = NDArray[np.uint32]
Export = Callable[..., Path]


@pytest.fixture
def plane() -> Labels:
    """Objects (y, x): at the border, touching, with a hole, in two parts, in the hole, by high numbers."""
    labels = np.zeros((60, 80), np.uint32)
    labels[0:10, 0:10] = 3
    labels[0:10, 10:20] = 70_000
    labels[20:50, 20:60] = 9
    labels[30:40, 30:40] = 0
    labels[33:35, 33:36] = 4_000_000_000
    labels[55, 70] = labels[56, 71] = labels[57:59, 60:64] = 12
    return labels


@pytest.fixture
def stack() -> Labels:
    """Objects (z, y, x): two that touch along z, one of them at the border, and one with a cavity."""
    labels = np.zeros((12, 40, 50), np.uint32)
    labels[0:5, 5:20, 5:25] = 8
    labels[5:12, 5:20, 5:25] = 70_001
    labels[2:10, 25:38, 30:45] = 2
    labels[4:6, 30:33, 34:38] = 0
    return labels


@pytest.fixture
def write(tmp_path: Path) -> Export:
    """Write labels, and an image of them, to files, export them, and return the path of the result."""

    def call(
        labels: Labels, to: str, name: str, image: NDArray[np.generic] | None = None, **options: object
    ) -> Path:
        file, picture = tmp_path / "labels.tif", tmp_path / "image.tif"
        tifffile.imwrite(file, labels)
        if image is not None:
            is_rgb = image.ndim > labels.ndim
            tifffile.imwrite(picture, image, photometric="rgb" if is_rgb else "minisblack")
            options["image"] = picture
        return export(file, to, tmp_path / name, **options)

    return call
