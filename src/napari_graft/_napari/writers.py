"""Save an image layer as a project of its own: File ▸ Save Selected Layers, as ``NAME.graft``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.layers import Image
from napari.utils import cancelable_progress

from napari_graft._napari.images import describe_layer
from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken, Progress
from napari_graft.session.importing import CopyOptions, make_project_with_copy

_STEPS = 100


def write_project(path: str, data: Any, arguments: dict[str, Any]) -> list[str]:
    """Make a project that holds a copy of an image layer; return its path, nothing where it was stopped.

    Raises
    ------
    InputError
        If the layer is not one 2-D image or stack, or the folder holds something.
    StorageError
        If the disk is full.
    """
    image = describe_layer(Image(data, **arguments))
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
    return [path]
