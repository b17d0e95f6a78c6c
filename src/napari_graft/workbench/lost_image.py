"""The image of the open project is no longer where it was: notice it, and go on with it elsewhere."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

from napari_graft.core.errors import ImageDiffersError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.project.project import Project
from napari_graft.session.relinking import CheckedImage, check_image, take_image
from napari_graft.workbench.context import Context
from napari_graft.workbench.data_state import DataState
from napari_graft.workbench.jobs import RunningJob
from napari_graft.workbench.project_opening import LostImage


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
