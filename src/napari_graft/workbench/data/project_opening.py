"""Projects on the disk as a window opens them: made, opened with their image, and remembered as recent."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from napari_graft.core.axes import Axes
from napari_graft.core.errors import ImageDiffersError, InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io import Volume
from napari_graft.io.documents import Document, read_document, write_document
from napari_graft.project.opening import holds_project, open_project
from napari_graft.project.project import Project
from napari_graft.session.projects.creation import (
    CopyOptions,
    ImageOptions,
    make_project,
    make_project_with_copy,
)
from napari_graft.session.projects.relinking import relink_image
from napari_graft.sources.card import Structure
from napari_graft.sources.catalogue import user_home
from napari_graft.workbench.data.layer_image import LayerImage


@dataclass(frozen=True, slots=True)
class NewProject:
    """Request for a project: all that it is made with, so that it can be made in another thread."""

    image: LayerImage
    axes: Axes
    folder: Path
    structure: Structure | None
    is_inverted: bool
    pixel_size_from: str = ""
    object_diameter: float | None = None

    def make(self, report: Report, cancel: CancelToken) -> Project:
        """Make the project: of the file, where that holds just these pixels, else with a copy of them."""
        options = ImageOptions(
            image=self.image.path or "",
            pixel_size=self.axes.pixel_size,
            unit=self.axes.unit,
            channel=self.image.channel,
            structure=self.structure,
            is_inverted=self.is_inverted,
            pixel_size_from=self.pixel_size_from,
            object_diameter=self.object_diameter,
        )
        if self.image.is_in_file(report=report, cancel=cancel):
            return make_project(self.folder, options)
        return make_project_with_copy(
            self.folder,
            self.image.data,
            self.axes,
            self._copy_options(),
            report=report,
            cancel=cancel,
        )

    def _copy_options(self) -> CopyOptions:
        return CopyOptions(
            self.image.has_channels,
            self.structure,
            self.is_inverted,
            self.pixel_size_from,
            self.object_diameter,
        )


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


_LONGEST = 8


class RecentProjects(Document):
    """Folders of recent projects, the last one first."""

    folders: tuple[str, ...] = ()


def recent_projects() -> list[Path]:
    """Return the projects that were open last and are still there."""
    return [Path(folder) for folder in _read().folders if holds_project(Path(folder))]


def remember_project(folder: Path) -> None:
    """Put a project at the head of the list.

    Raises
    ------
    StorageError
        If the list cannot be written.
    """
    name = str(folder.resolve())
    others = [other for other in _read().folders if other != name]
    _path().parent.mkdir(parents=True, exist_ok=True)
    write_document(_path(), RecentProjects(folders=(name, *others)[:_LONGEST]))


def _path() -> Path:
    return user_home() / "recent.json"


def _read() -> RecentProjects:
    try:
        return read_document(RecentProjects, _path(), "list of recent projects", follow_links=True)
    except InputError:  # missing or damaged: it is only a convenience
        return RecentProjects()
