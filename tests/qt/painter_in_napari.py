"""Opens napari with the dock and paints until it is killed; says the same as the painter without a window."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workbench"))

import napari
import numpy as np
from painter_process import SIZE, say
from qtpy.QtCore import QTimer

from napari_graft._napari.images import mark_image
from napari_graft._napari.layers import find_layer
from napari_graft._qt.shell.docks import GraftDock
from napari_graft.project.opening import open_project


def main(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    viewer = napari.Viewer()
    dock = GraftDock(viewer)
    viewer.window.add_dock_widget(dock)
    project = open_project(folder, write=True)
    mark_image(viewer.add_image(project.volume.data[:]), folder)
    model = dock.workbench.annotating
    dock.workbench.context.take(project)
    model.state.events.queue.connect(lambda queue: model.go_to(queue.tiles[0].tile), max_args=1)
    label = 1

    def paint() -> None:
        nonlocal label
        layer = find_layer(viewer, "labels", is_tile=True)
        if layer is not None:
            model.state.events.queue.disconnect()
            label += 1
            row, column = chance.randrange(64 - SIZE), chance.randrange(64 - SIZE)
            say("stroke", time.time(), [0, 0], label, row, column)
            with layer.block_history():
                layer.data_setitem(
                    tuple(index.ravel() for index in np.mgrid[row : row + SIZE, column : column + SIZE]),
                    label,
                )
        timer.start(chance.randrange(5, 60))

    timer = QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(paint)
    timer.start(0)
    napari.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
