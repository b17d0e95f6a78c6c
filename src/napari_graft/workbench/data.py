"""The tab Data: which image, what is known of it, and where the project lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io.location import split_location
from napari_graft.project.opening import open_project
from napari_graft.project.project import MANIFEST, Project
from napari_graft.session.importing import CopyOptions, make_project_with_copy
from napari_graft.session.projects import ImageOptions, make_project
from napari_graft.sources.card import Structure
from napari_graft.workbench.context import Context
from napari_graft.workbench.hints import pixel_size_hint
from napari_graft.workbench.jobs import Task
from napari_graft.workbench.layer_image import LayerImage
from napari_graft.workbench.recent import remember_project

SMALLEST_TILE, DEFAULT_TILE = 64, 256


@dataclass(slots=True, weakref_slot=True)
class DataState:
    """Show what the tab shows.

    Parameters
    ----------
    image
        The chosen layer, None before one is chosen.
    pixel_size, unit
        Length of a pixel along each spatial axis, None where not known.
    is_size_from_layer
        Whether the pixel size is that of the layer and not typed in.
    structure
        What is to be segmented, None before the user says.
    folder
        Where the project will be.
    is_inverted
        Whether dark and bright are swapped before a network sees the image.
    tile_side
        Side of the tiles to paint, in pixels.
    hint
        What looks odd, in one line.
    is_opening
        Whether a project is being made or opened.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    image: LayerImage | None = None
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    is_size_from_layer: bool = False
    structure: Structure | None = None
    folder: Path | None = None
    is_inverted: bool = False
    tile_side: int = DEFAULT_TILE
    hint: str = ""
    is_opening: bool = False


class DataModel:
    """Choose an image and make or open a project.

    Parameters
    ----------
    context
        What the window shares.
    """

    refused = Signal(str)
    """What cannot be done, in words."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.state = DataState()
        for changed in (self.state.events.pixel_size, self.state.events.unit, self.state.events.structure):
            changed.connect(self._update_hint)

    def choose_image(self, image: LayerImage | None) -> None:
        """Take over an image layer and what it says of itself."""
        self.state.image = image
        if image is None:
            return
        self.state.unit = image.unit
        self.state.is_size_from_layer = image.pixel_size is not None
        self.state.pixel_size = image.pixel_size
        self.state.folder = default_folder(image)
        self.state.tile_side = _fitting_side(image.shape)
        self._update_hint()

    def set_pixel_size(self, pixel_size: tuple[float, ...] | None, unit: str) -> None:
        """Take over a pixel size that was typed in."""
        self.state.is_size_from_layer = False
        self.state.unit = unit
        self.state.pixel_size = pixel_size

    def start_project(self) -> None:
        """Make a project for the chosen image in the background, and make it the one of the window."""
        try:
            request = self._request()
        except InputError as error:
            self.refused.emit(str(error))
            return
        self._open("Making the project", request.make)

    def open_folder(self, folder: Path) -> None:
        """Open a project that exists and make it the one of the window."""
        open_now = self._context.project
        if open_now is not None and open_now.folder.resolve() == folder.expanduser().resolve():
            self.refused.emit("this project is open already")
            return
        self._open("Opening the project", lambda report, cancel: open_project(folder, write=True))

    def _open(self, title: str, task: Task[Project]) -> None:
        def work(report: Report, cancel: CancelToken) -> Project:
            self._context.leaving.wait_as_job(report, cancel)  # it may be the one that was just left
            return task(report, cancel)

        self.state.is_opening = True
        job = self._context.jobs.start(title, work, lane="files", on_done=self._on_opened)
        job.ended.connect(self._on_opening_ended)

    def _on_opened(self, project: Project) -> None:
        manifest = project.manifest
        self._context.take(project)
        self.state.folder = project.folder
        self.state.structure = manifest.structure
        self.state.is_inverted = manifest.inverted
        self.state.unit = manifest.unit
        self.state.pixel_size = manifest.pixel_size
        self._context.note_saved()
        remember_project(project.folder)

    def _on_opening_ended(self) -> None:
        self.state.is_opening = False

    def _request(self) -> _ProjectRequest:
        state = self.state
        if state.image is None:
            raise InputError("no image is chosen: open one, or try the sample")
        if state.folder is None:
            raise InputError("no folder is chosen for the project: choose one")
        if (state.folder / MANIFEST).is_file():
            raise InputError(
                f"project {str(state.folder)!r} exists already: resume it, or choose another name"
            )
        axes = Axes(state.image.axes().names, state.pixel_size, state.unit)
        return _ProjectRequest(state.image, axes, state.folder, state.structure, state.is_inverted)

    def _update_hint(self) -> None:
        image = self.state.image
        if image is None:
            self.state.hint = ""
            return
        try:
            axes = Axes(image.axes().names, self.state.pixel_size, self.state.unit)
            self.state.hint = pixel_size_hint(axes, self.state.structure)
        except InputError as error:
            self.state.hint = str(error)


@dataclass(frozen=True, slots=True)
class _ProjectRequest:
    """Hold all that a project is made with, so that it can be made in another thread."""

    image: LayerImage
    axes: Axes
    folder: Path
    structure: Structure | None
    is_inverted: bool

    def make(self, report: Report, cancel: CancelToken) -> Project:
        options = ImageOptions(
            image=self.image.path or "",
            pixel_size=self.axes.pixel_size,
            unit=self.axes.unit,
            structure=self.structure,
            is_inverted=self.is_inverted,
        )
        if self.image.is_in_file(report=report, cancel=cancel):
            return make_project(self.folder, options)
        return make_project_with_copy(
            self.folder,
            self.image.data,
            self.axes,
            CopyOptions(self.image.has_channels, self.structure, self.is_inverted),
            report=report,
            cancel=cancel,
        )


def default_folder(image: LayerImage) -> Path:
    """Return where a project for an image lies unless the user says otherwise: beside it, or in the home."""
    stem = "".join(c if c.isalnum() or c in "-_ " else "-" for c in image.name).strip() or "image"
    place = Path.home() if image.path is None else Path(split_location(image.path)[0]).expanduser().parent
    return place / f"{stem}.graft"


def _fitting_side(shape: tuple[int, ...]) -> int:
    """Return the side of tiles that suits an image: a small image still has room for several."""
    shortest = min(shape[-2:])
    return min(shortest, max(SMALLEST_TILE, min(DEFAULT_TILE, shortest // 2)))
