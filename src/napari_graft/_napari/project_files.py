"""Open a project by napari's menu, drag and drop or command line, and save an image layer as one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.layers import Image
from napari.utils import cancelable_progress
from napari.utils.notifications import show_info

from napari_graft._napari.images import describe_layer
from napari_graft._napari.placement import LayerData
from napari_graft._napari.project_layers import project_layers
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress
from napari_graft.project.opening import open_project
from napari_graft.session.projects.creation import CopyOptions, make_project_with_copy
from napari_graft.workbench.data.layer_image import LayerImage

SUFFIX = ".graft"
Read = Callable[[str], list[LayerData]]


def get_reader(path: str | list[str]) -> Read | None:
    """Return the function that reads a project, None for what does not bear the name of one."""
    if not isinstance(path, str) or Path(path).suffix.lower() != SUFFIX:
        return None
    return read_project


def read_project(path: str) -> list[LayerData]:
    """Return the layers of the project in a folder.

    Raises
    ------
    InputError
        If there is no project, or it is damaged, or its image is missing.
    """
    with open_project(path) as project:
        return project_layers(project)


_STEPS = 100
_SLICES = ("z", "depth", "slice", "slices", "plane", "planes")
_OTHERS = {"c": "channels", "channel": "channels", "channels": "channels", "t": "time", "time": "time"}
_OF_SAMPLES = "split it and save one layer of it, or choose in the Graft dock what is used"


def write_project(path: str, data: Any, arguments: dict[str, Any]) -> list[str]:
    """Make a project that holds a copy of an image layer; return its path, nothing where it was stopped.

    Raises
    ------
    InputError
        If the layer is not one 2-D image or stack, its third axis is called channels or time, or the folder
        holds something.
    StorageError
        If the disk is full.
    """
    layer = Image(data, **arguments)
    image = describe_layer(layer)
    note = _slices_note(layer, image)
    cancel = CancelToken()
    with cancelable_progress(total=_STEPS, desc=f"Saving {Path(path).name}") as bar:

        def report(progress: Progress) -> None:
            # The bar lets the window work meanwhile, so that its button can be clicked.
            bar.update(round(_STEPS * progress.done / progress.total) - bar.n if progress.total else 0)
            if bar.is_canceled:
                cancel.cancel()

        options = CopyOptions(image.has_channels, pixel_size_from=image.size_note.origin)
        try:
            make_project_with_copy(
                Path(path), image.data, image.axes(), options, report=report, cancel=cancel
            ).close()
        except Cancelled:
            return []
    if note:
        show_info(note)
    return [path]


def _slices_note(layer: Image, image: LayerImage) -> str:
    """Return what to say of a third axis that is taken for slices, empty where its name says that it is that.

    Raises
    ------
    InputError
        If its name says that it is another.
    """
    if len(image.shape) != 3:
        return ""
    long = [axis for axis, n in enumerate(layer.level_shapes[0][: layer.ndim]) if n > 1]
    name = str(layer.axis_labels[long[0]] if len(long) == 3 else layer.axis_labels[-3]).strip().lower()
    what = f"the axis of {image.shape[0]} of {layer.name!r}"
    if name in _OTHERS:
        raise InputError(f"{what} is {_OTHERS[name]}, not slices: {_OF_SAMPLES}")
    if name in _SLICES:
        return ""
    return f"{what} is taken for slices (z); if it is channels or time, {_OF_SAMPLES}"
