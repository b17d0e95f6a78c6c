"""How pixels lie in napari's world."""

from __future__ import annotations

from typing import Any, TypeAlias

from napari_graft.core.axes import Axes

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]
"""What napari makes a layer of: data, the layer's arguments, and its type."""


def placement(axes: Axes) -> dict[str, Any]:
    """Return the arguments that place a layer by the pixel size of its image, none where that is unknown."""
    if axes.pixel_size is None:
        return {}
    return {"scale": axes.pixel_size, "units": (axes.unit,) * axes.ndim}
