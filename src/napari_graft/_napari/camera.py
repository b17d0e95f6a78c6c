"""What of the image is seen."""

from __future__ import annotations

import numpy as np
from napari.components import Camera, ViewerModel
from numpy.typing import NDArray


def camera_of(viewer: ViewerModel) -> Camera:
    """Return the camera of a viewer."""
    return viewer.scene.camera


def centre_of_view(viewer: ViewerModel) -> NDArray[np.float64]:
    """Return the point in the middle of the canvas, in the slice that is shown, in world coordinates."""
    centre = np.array(viewer.dims.point, float)
    shown = camera_of(viewer).center[-viewer.dims.ndisplay :]
    for axis, value in zip(viewer.dims.displayed, shown, strict=True):
        centre[axis] = value
    return centre
