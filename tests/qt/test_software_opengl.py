from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import napari
import numpy as np
from qtpy.QtWidgets import QApplication
from napari_graft._qt.shell.workbenches import workbench_of

viewer = napari.Viewer()
draw = QApplication.instance().processEvents
viewer.add_image(np.zeros((32, 32)))
bench = workbench_of(viewer)
box = np.array([[0, 0], [0, 9], [9, 9], [9, 0]])
for _ in range(3):
    layer = viewer.add_shapes([box])
    for _ in range(5):
        draw()
    viewer.layers.remove(layer)
    for _ in range(5):
        draw()
bench.close()
print("alive", flush=True)
"""


def test_removing_a_layer_of_shapes_does_not_crash_where_the_processor_draws() -> None:
    # In a process of its own: without the remedy it ends by a segmentation fault.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True, timeout=120
    )

    assert "alive" in done.stdout, done.stderr[-2000:]
