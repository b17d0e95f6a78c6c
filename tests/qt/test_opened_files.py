"""A segmentation in a file lies on its image when napari opens it by File ▸ Open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.layers import Labels

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

PATIENCE = 120_000
SEGMENTS = np.repeat(np.arange(5, dtype=np.uint32), 14 * 80).reshape(70, 80)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of objects with pixels of 8 nm along y and 4 nm along x."""
    path = tmp_path / "segments.ome.tif"
    sizes = {"axes": "YX", "PhysicalSizeY": 8.0, "PhysicalSizeX": 4.0}
    units = {"PhysicalSizeYUnit": "nm", "PhysicalSizeXUnit": "nm"}
    tifffile.imwrite(path, SEGMENTS, ome=True, metadata=sizes | units)
    return path


def open_and_wait(dock: GraftDock, qtbot: QtBot, file: Path) -> Labels:
    (layer,) = dock.viewer.open(file, plugin="napari")
    assert isinstance(layer, Labels)
    qtbot.waitUntil(lambda: not dock.workbench.context.jobs.active, timeout=PATIENCE)
    return layer


@pytest.mark.parametrize("image", ["none", "placed", "of another shape"])
def test_segmentation_has_the_pixel_size_of_its_file(
    dock: GraftDock, qtbot: QtBot, file: Path, image: str
) -> None:
    shape = (30, 30) if image == "of another shape" else SEGMENTS.shape
    if image != "none":
        dock.viewer.add_image(np.zeros(shape), scale=(0.008, 0.004), units=("um", "um"))

    layer = open_and_wait(dock, qtbot, file)

    assert layer.scale.tolist() == [8, 4]
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 2


@pytest.mark.parametrize("scale", [(1, 1), (5, 5)])
def test_segmentation_stays_on_an_image_that_is_placed_in_another_way(
    dock: GraftDock, qtbot: QtBot, file: Path, scale: tuple[float, float]
) -> None:
    dock.viewer.add_image(np.zeros(SEGMENTS.shape), scale=scale)

    assert open_and_wait(dock, qtbot, file).scale.tolist() == [1, 1]


def test_segmentation_that_is_placed_already_or_states_no_size_stays_as_it_is(
    dock: GraftDock, qtbot: QtBot, file: Path, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", SEGMENTS)
    (placed,) = dock.viewer.open(file, plugin="napari", scale=(3, 3))

    assert open_and_wait(dock, qtbot, tmp_path / "plain.tif").scale.tolist() == [1, 1]
    assert placed.scale.tolist() == [3, 3]
