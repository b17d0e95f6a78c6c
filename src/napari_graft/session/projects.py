"""Make projects, describe them, and open label images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_graft.io.channels import Channel
from napari_graft.project.image_choice import ImageChoice
from napari_graft.project.opening import create_project, open_project
from napari_graft.project.project import Project
from napari_graft.session.image_facts import correct_object_diameter, refuse_diameter
from napari_graft.session.object_diameter import known_diameter
from napari_graft.session.views import measure_intensity
from napari_graft.sources.card import Structure


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """Options of an image, what its file does not say; see `ImageChoice`."""

    image: str
    axes: str | None = None
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    channel: Channel | None = None
    structure: Structure | None = None
    is_inverted: bool = False
    pixel_size_from: str = ""
    object_diameter: float | None = None

    @property
    def choice(self) -> ImageChoice:
        """The image, to be opened."""
        size = (self.pixel_size, self.unit)
        return ImageChoice(self.image, self.axes, *size, self.channel, self.pixel_size_from)


def make_project(folder: Path, options: ImageOptions) -> Project:
    """Check an image, measure its grey range, and make a project for it, open for writing.

    Raises
    ------
    InputError
        If the image cannot be used, or the folder holds something.
    StorageError
        If the disk is full.
    """
    # Before the folder is made: an image that cannot be used leaves nothing behind.
    intensity = measure_intensity(options.choice.open())
    refuse_diameter(options.object_diameter)
    project = create_project(
        folder,
        options.choice,
        structure=options.structure,
        intensity_range=(intensity.low, intensity.high),
        inverted=options.is_inverted,
    )
    correct_object_diameter(project, options.object_diameter)
    return project


FOUND = "found"
"""State of an image whose file is, as far as its signature tells, the one that the project was made with."""


def describe_project(folder: Path) -> dict[str, Any]:
    """Return what ``info --json`` prints."""
    with open_project(folder) as project:
        manifest, n_tiles = project.manifest, len(project.annotations.tiles())
        diameter = known_diameter(project)
        project.journal.check(is_expected=n_tiles > 0)
        return {
            "image": project.image.path,
            "image_state": _image_state(project),
            "shape": list(manifest.shape),
            "axes": manifest.axes,
            "pixel_size": None if manifest.pixel_size is None else list(manifest.pixel_size),
            "unit": manifest.unit,
            "pixel_size_from": manifest.pixel_size_from or None,
            "pixel_size_doubt": manifest.pixel_size_doubt or None,
            "structure": manifest.structure,
            "inverted": manifest.inverted,
            "object_diameter": diameter.pixels,
            "object_diameter_from": None if diameter.origin == "unknown" else diameter.origin,
            "n_annotated_tiles": n_tiles,
            "n_suggested_tiles": len(project.suggestions().suggestions),
            "runs": [
                _describe_run(run.record.model_dump(mode="json"))
                for run in project.runs.all()
                if not run.is_empty
            ],
            "budget": asdict(project.cost()),
        }


def _image_state(project: Project) -> str:
    """Return whether the file of the image is the one that the project was made with, without reading it."""
    if not project.is_image_changed:
        return FOUND
    return "missing or not readable" if project.image_signature() is None else "changed"


_SHOWN_OF_RUN = (
    "id",
    "source",
    "parent",
    "n_tiles",
    "steps",
    "seconds",
    "device",
    "stopped_by",
    "kept",
    "validation",
)


def _describe_run(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in _SHOWN_OF_RUN}
