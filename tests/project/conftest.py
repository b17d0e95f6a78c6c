from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.tile import Tile
from napari_graft.project.image_file import ImageChoice
from napari_graft.project.opening import create_project


@pytest.fixture(autouse=True, scope="package")
def _hurry() -> Iterator[None]:
    """Leave out the waiting for the disk; that it is asked for is tested where it is done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, np.arange(60 * 80, dtype=np.uint16).reshape(60, 80))
    return path


@pytest.fixture
def folder(tmp_path: Path, image: Path) -> Path:
    """Give the folder of a new project."""
    create_project(tmp_path / "p.graft", ImageChoice(str(image)), structure="neurites").close()
    return tmp_path / "p.graft"


@pytest.fixture
def paint() -> Callable[..., LabelledTile]:
    """Paint a tile: `paint(start, value, shape)`; all pixels bear `value`."""

    def labelled(start: tuple[int, ...], value: int = 1, shape: tuple[int, ...] = (20, 20)) -> LabelledTile:
        return LabelledTile(Tile(start, shape), np.full(shape, value, np.uint32))

    return labelled
