"""Open a project for a window, in a thread: with its image, or with the words why that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from napari_graft.core.errors import ImageDiffersError, InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io import Volume
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.session.relinking import relink_image
from napari_graft.workbench.layer_image import LayerImage

_MOST_COMPARED = 4 * 2**30
"""Bytes of a layer that are compared with the image when a project is opened; a larger one is added anew."""


@dataclass(frozen=True, slots=True)
class OpenedProject:
    """A project that is open for writing with the layer that shows its image, None where none does."""

    project: Project
    shown_by: LayerImage | None


@dataclass(frozen=True, slots=True)
class LostImage:
    """A project that lacks its image.

    Parameters
    ----------
    folder
        Of the project.
    words
        What is wrong with the image.
    is_folder
        Whether the image is a folder rather than a file.
    found
        What the user named in its place, where that is another image; None where nothing was named yet.
    is_open
        Whether the project is open, and lost its image meanwhile; else it could not be opened.
    """

    folder: Path
    words: str
    is_folder: bool = False
    found: Path | None = None
    is_open: bool = False


def open_with_image(
    folder: Path, layer: LayerImage | None, *, report: Report, cancel: CancelToken
) -> OpenedProject | LostImage:
    """Open a project and its image.

    Raises
    ------
    InputError
        If there is no project, another process has it open, or it is damaged.
    Cancelled
        When asked to stop.
    """
    return _with_image(open_project(folder, write=True), layer, report, cancel)


@dataclass(frozen=True, slots=True)
class FoundImage:
    """Place where the image of a project in `folder` is now, and whether it may be another one."""

    folder: Path
    file: Path
    may_differ: bool = False


def open_with_found_image(
    found: FoundImage, layer: LayerImage | None, *, report: Report, cancel: CancelToken
) -> OpenedProject | LostImage:
    """Open a project whose image the user found elsewhere; errors as for `open_with_image`."""
    project = open_project(found.folder, write=True)
    try:
        relink_image(project, str(found.file), accept_changed=found.may_differ)
    except ImageDiffersError as error:
        project.close()
        return LostImage(found.folder, str(error), found.file.is_dir(), found.file)
    except BaseException:
        project.close()
        raise
    return _with_image(project, layer, report, cancel)


def _with_image(
    project: Project, layer: LayerImage | None, report: Report, cancel: CancelToken
) -> OpenedProject | LostImage:
    try:
        try:
            volume = project.volume
        except InputError as error:
            project.close()
            file = project.image.file
            words = str(error) if file.exists() else f"its image {str(file)!r} is missing."
            return LostImage(project.folder, words, file.suffix == ".zarr")
        is_shown = layer is not None and _shows(layer, volume, report, cancel)
        return OpenedProject(project, layer if is_shown else None)
    except BaseException:
        project.close()
        raise


def _shows(layer: LayerImage, volume: Volume, report: Report, cancel: CancelToken) -> bool:
    if not _is_quickly_read(layer):
        return False
    try:
        return layer.shows(volume, report=report, cancel=cancel)
    except InputError:  # what the layer shows cannot be read, as where its file is gone
        return False


def _is_quickly_read(layer: LayerImage) -> bool:
    n_bytes = prod(layer.data.shape) * np.dtype(layer.data.dtype).itemsize
    return len(layer.shape) in (2, 3) and n_bytes <= _MOST_COMPARED
