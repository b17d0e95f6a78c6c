"""Make the project that the tab Data describes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_graft.core.axes import Axes
from napari_graft.core.progress import CancelToken, Report
from napari_graft.project.project import Project
from napari_graft.session.importing import CopyOptions, make_project_with_copy
from napari_graft.session.projects import ImageOptions, make_project
from napari_graft.sources.card import Structure
from napari_graft.workbench.layer_image import LayerImage


@dataclass(frozen=True, slots=True)
class ProjectRequest:
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
