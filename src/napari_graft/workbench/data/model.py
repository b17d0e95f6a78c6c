"""The model of the tab Data: which image, what is known of it, and where it and the project lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from psygnal import Signal

from napari_graft.core.axes import SPATIAL_NAMES, Axes
from napari_graft.core.errors import GraftError, ImageDiffersError, InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import fitting_side
from napari_graft.io.opening import GIVEN
from napari_graft.io.pixel_sizes import NO_NOTE, SizeNote
from napari_graft.project.opening import holds_project
from napari_graft.project.project import Project
from napari_graft.session.projects.object_diameter import KnownDiameter
from napari_graft.session.projects.project_image import (
    correct_contrast,
    correct_pixel_size,
    correct_structure,
    why_fixed,
)
from napari_graft.session.projects.relinking import CheckedImage, check_image, take_image
from napari_graft.sources.card import Structure
from napari_graft.workbench.context import Context
from napari_graft.workbench.data.layer_description import LayerDescription, pixel_size_hint
from napari_graft.workbench.data.layer_image import LayerImage
from napari_graft.workbench.data.object_size import ObjectSize
from napari_graft.workbench.data.project_opening import (
    FoundImage,
    LostImage,
    NewProject,
    OpenedProject,
    open_with_found_image,
    open_with_image,
    remember_project,
)
from napari_graft.workbench.data.state import DataState, default_folder
from napari_graft.workbench.jobs import RunningJob, Task


class LostImageWatch:
    """Checks whether the image is still there after something failed.

    Parameters
    ----------
    context, state
        Whose project, and where it is said that its image is lost.
    """

    relinked = Signal()
    """The image is read from elsewhere from now on."""

    def __init__(self, context: Context, state: DataState) -> None:
        self._context = context
        self._state = state
        context.hear(context.jobs.ended, self._on_job_ended)
        context.hear(context.failures.told, self.look)
        context.hear(context.project_changed, self._on_project_changed)

    def look(self, _: object = None) -> None:
        """Say that the image is lost, where it is."""
        project = self._context.project
        if project is None or self._state.lost is not None or project.image.file.exists():
            return
        file = project.image.file
        words = f"its image {str(file)!r} is missing. What you have painted and trained is kept."
        self._state.lost = LostImage(project.folder, words, file.suffix == ".zarr", is_open=True)

    def find(self, file: Path, *, may_differ: bool = False) -> None:
        """Let the open project read its image from elsewhere; asks where that is another image."""
        project = self._context.require_project()

        def check(report: Report, cancel: CancelToken) -> CheckedImage | LostImage:
            try:
                return check_image(project, str(file), accept_changed=may_differ)
            except ImageDiffersError as error:
                return LostImage(project.folder, f"{error}.", file.is_dir(), file, is_open=True)

        self._state.is_opening = True
        job = self._context.jobs.start(
            "Looking at the image",
            check,
            lane="files",
            on_done=lambda found: self._on_checked(project, found),
        )
        job.ended.connect(self._on_checking_ended)

    def _on_checked(self, project: Project, found: CheckedImage | LostImage) -> None:
        if self._context.project is not project:
            return
        if isinstance(found, LostImage):
            self._state.lost = found
            return
        self._context.cancel_looks()
        take_image(project, found)
        self._state.lost = None
        self._context.note_saved()
        self.relinked.emit()

    def _on_checking_ended(self) -> None:
        self._state.is_opening = False

    def _on_job_ended(self, job: RunningJob[object]) -> None:
        if job.state.status == "failed":
            self.look()

    def _on_project_changed(self) -> None:
        if self._state.lost is not None and self._state.lost.is_open:
            self._state.lost = None


class DataModel:
    """View-model of the tab Data: opens images and projects, and corrects what is known of the image.

    Parameters
    ----------
    context
        What the window shares.
    """

    refused = Signal(str)
    """What cannot be done, in words."""
    corrected = Signal()
    """What is known of the project's image was changed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.state = DataState()
        self.shown_by: LayerImage | None = None
        """The layer that shows the image of the open project, as far as that was found when it was opened."""
        self._n_told = 0
        self.lost_image = LostImageWatch(context, self.state)
        self.description = LayerDescription(context, self.state)
        self.objects = ObjectSize(context, self.state, self._correct)
        self.description.changed.connect(self._update_hint)
        for changed in (self.state.events.pixel_size, self.state.events.unit, self.state.events.structure):
            changed.connect(self._update_hint)
        self.state.events.known_diameter.connect(self._fit_side)
        context.hear(context.project_changed, self._on_project_changed)
        context.hear(context.runs_changed, self._update_fixed)
        for signal in (context.jobs.started, context.jobs.ended):
            context.hear(signal, self._on_job_changed)

    def choose_image(self, image: LayerImage | None) -> None:
        """Take over an image layer and what it says of itself, or what the project says of its own."""
        project = self._context.project
        self.description.forget()
        self.state.image, self.state.size_error = image, ""
        self.state.is_of_project = (
            image is not None and project is not None and image.project == str(project.folder)
        )
        self.objects.forget()
        if image is None:
            return
        if self.state.is_of_project and project is not None:
            self._show_manifest(project)
        else:
            self.state.folder = default_folder(image)
            self.description.describe(image)
        self._update_fixed()
        self._update_hint()

    def set_pixel_size(self, pixel_size: tuple[float, ...] | None, unit: str) -> None:
        """Take over a pixel size that was typed in, and let the project have it where this is its image."""
        try:
            self._correct(lambda project: correct_pixel_size(project, pixel_size, unit), is_seen=True)
        except GraftError as error:
            self.state.size_error = str(error)
            return
        self.state.size_error = ""
        if not self.state.is_of_project:
            self.state.is_size_from_layer, self.state.is_size_typed = False, True
            self.state.size_note = NO_NOTE
            self.state.unit = unit
            self.state.pixel_size = pixel_size

    def refuse_size(self, words: str) -> None:
        """Say what is wrong with the fields of the pixel size; the one before holds until that is mended."""
        self.state.size_error = words

    def set_structure(self, structure: Structure | None) -> None:
        """Say what is to be segmented; at any time, for nothing that was trained depends on it."""
        self._try(lambda project: correct_structure(project, structure), is_seen=False)
        if not self.state.is_of_project:
            self.state.structure = structure

    def set_inverted(self, is_inverted: bool) -> None:
        """Say whether dark and bright are swapped."""
        self._try(lambda project: correct_contrast(project, inverted=is_inverted), is_seen=True)
        if not self.state.is_of_project:
            self.state.is_inverted = is_inverted

    def start_project(self) -> None:
        """Make a project for the chosen image in the background, and make it the one of the window.

        What its file says is read first: it may say what the axes are.
        """
        if self.description.must_wait(self.start_project):
            return
        try:
            request = self._request()
        except InputError as error:
            self.refused.emit(str(error))
            return

        def make(report: Report, cancel: CancelToken) -> OpenedProject:
            return OpenedProject(request.make(report, cancel), request.image)

        self._open("Making the project", make)

    def open_folder(self, folder: Path) -> None:
        """Open a project that exists and make it the one of the window."""
        open_now = self._context.project
        if open_now is not None and open_now.folder.resolve() == folder.expanduser().resolve():
            self.refused.emit("this project is open already")
            return
        layer = self.state.image
        self._open(
            "Opening the project",
            lambda report, cancel: open_with_image(folder, layer, report=report, cancel=cancel),
        )

    def find_image(self, file: Path, *, may_differ: bool = False) -> None:
        """Let the project whose image was lost go on with what the user found; asks where that differs."""
        lost, layer = self.state.lost, self.state.image
        if lost is None:
            return
        if lost.is_open:
            self.lost_image.find(file, may_differ=may_differ)
            return
        found = FoundImage(lost.folder, file, may_differ)
        self._open(
            "Looking at the image",
            lambda report, cancel: open_with_found_image(found, layer, report=report, cancel=cancel),
        )

    def forget_lost(self) -> None:
        """Ask for the lost image no longer."""
        self.state.lost = None

    def _open(self, title: str, task: Task[OpenedProject | LostImage]) -> None:
        def work(report: Report, cancel: CancelToken) -> OpenedProject | LostImage:
            self._context.closing.wait_as_job(report, cancel)  # it may be the one that was just left
            return task(report, cancel)

        self.state.is_opening = True
        job = self._context.jobs.start(title, work, lane="files", on_done=self._on_opened)
        job.ended.connect(self._on_opening_ended)

    def _on_opened(self, opened: OpenedProject | LostImage) -> None:
        if isinstance(opened, LostImage):
            self.state.lost = opened
            return
        project = opened.project
        self.state.lost, self.shown_by = None, opened.shown_by
        self._context.take(project)
        self._show_manifest(project)
        if opened.shown_by is None:  # else the tile suits it already, or the user chose another side
            self.state.tile_side = fitting_side(project.manifest.shape, self.state.known_diameter.pixels)
        self._context.note_saved()
        remember_project(project.folder)

    def _fit_side(self, known: KnownDiameter, before: KnownDiameter) -> None:
        """Let tiles suit the objects once their diameter is known, unless the user chose another side."""
        shape = self.state.spatial_shape
        if shape and self.state.tile_side == fitting_side(shape, before.pixels):
            self.state.tile_side = fitting_side(shape, known.pixels)

    def _on_opening_ended(self) -> None:
        self.state.is_opening = False

    def _show_manifest(self, project: Project) -> None:
        manifest = project.manifest
        self.state.folder = project.folder
        self.state.structure = manifest.structure
        self.state.is_inverted = manifest.inverted
        self.state.unit = manifest.unit
        self.state.pixel_size = manifest.pixel_size
        self.state.is_size_from_layer = False
        self.state.size_note = SizeNote(manifest.pixel_size_from, manifest.pixel_size_doubt)
        self.state.object_diameter, self.state.diameter_error = manifest.object_diameter, ""
        self.objects.refresh()
        self._update_hint()

    def _try(self, change: Callable[[Project], None], *, is_seen: bool) -> None:
        try:
            self._correct(change, is_seen=is_seen)
        except GraftError as error:
            self.refused.emit(str(error))

    def _correct(self, change: Callable[[Project], None], *, is_seen: bool) -> None:
        """Let the project have what was changed, where the chosen image is its own.

        What networks see of the image does not change under those that are at work.
        """
        project = self._context.project
        if project is None or not self.state.is_of_project:
            return
        before = project.manifest
        if is_seen and self._busy_words():
            raise InputError(self._busy_words())
        change(project)
        if project.manifest != before:
            self._context.cancel_looks()  # they see the image as it was described before
            self._show_manifest(project)
            self._context.note_saved()
            self.corrected.emit()

    def _busy_words(self) -> str:
        """Return which long job sees the image as it is described now, empty where there is none."""
        long = [job.state.title for job in self._context.jobs.active if job.lane == "long"]
        return f"{long[0]} is under way with them: wait, or stop it" if long else ""

    def _on_project_changed(self) -> None:
        if self._context.project is None:
            self.state.is_of_project = False
        self.objects.refresh()
        self._update_fixed()
        self._n_told = 0
        self._tell_damage()

    def _on_job_changed(self, job: RunningJob[object]) -> None:
        if job.lane == "long":
            self._update_fixed()
        self._tell_damage()

    def _tell_damage(self) -> None:
        """Tell of damaged files that were met since this was asked last."""
        project = self._context.project
        notes = () if project is None else project.notes
        new, self._n_told = notes[self._n_told :], len(notes)
        if new:
            self.refused.emit("\n".join(new))

    def _update_fixed(self) -> None:
        project = self._context.project
        is_ours = project is not None and self.state.is_of_project
        self.state.fixed = "" if project is None or not is_ours else self._busy_words() or why_fixed(project)

    def _request(self) -> NewProject:
        state = self.state
        if state.image is None:
            raise InputError("no image is chosen: open one, or try the sample")
        if state.folder is None:
            raise InputError("no folder is chosen for the project: choose one")
        if state.size_error or state.diameter_error:
            raise InputError(state.size_error or state.diameter_error)
        if holds_project(state.folder):
            raise InputError(
                f"project {str(state.folder)!r} exists already: resume it, or choose another name"
            )
        image = state.understood()
        axes = Axes(image.axes().names, state.pixel_size, state.unit)
        origin = "" if state.pixel_size is None else state.size_note.origin or GIVEN
        return NewProject(
            image, axes, state.folder, state.structure, state.is_inverted, origin, state.object_diameter
        )

    def _update_hint(self) -> None:
        if self.state.image is None:
            self.state.hint = ""
            return
        try:
            names = SPATIAL_NAMES[-self.state.n_spatial :]
            axes = Axes(names, self.state.pixel_size, self.state.unit)
            self.state.hint = pixel_size_hint(axes, self.state.structure, self.state.size_note.doubt)
        except InputError as error:
            self.state.hint = str(error)
