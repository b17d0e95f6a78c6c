from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.tile import Tile


@pytest.fixture(autouse=True, scope="package")
def _hurry() -> Iterator[None]:
    """Leave out the waiting for the disk; that it is asked for has a test of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture
def paint() -> Callable[..., LabelledTile]:
    """Paint a tile: `paint(start, shape, value, **more)`; all pixels bear `value`."""

    def labelled(
        start: tuple[int, ...], shape: tuple[int, ...], value: int = 1, **more: object
    ) -> LabelledTile:
        return LabelledTile(Tile(start, shape), np.full(shape, value, np.uint32), **more)

    return labelled
