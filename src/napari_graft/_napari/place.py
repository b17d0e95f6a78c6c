"""What the user looks at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from napari.components import ViewerModel

from napari_graft._napari.camera import centre_of_view
from napari_graft._napari.images import project_image


def pixel_looked_at(viewer: ViewerModel, folder: Path) -> tuple[int, ...] | None:
    """Return the pixel in the middle of what is seen of a project's image, None where that is not shown."""
    image = project_image(viewer, folder)
    if image is None:
        return None
    ndim = image.ndim
    point = image.world_to_data(centre_of_view(viewer)[-ndim:])
    return tuple(int(value) for value in np.floor(point))
