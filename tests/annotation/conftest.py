from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
