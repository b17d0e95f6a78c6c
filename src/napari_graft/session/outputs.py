"""What must not be written over where a command reads a project, or models that the user names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari_graft.io.image_files import files_of_image
from napari_graft.io.outputs import Input, Outputs
from napari_graft.project.project import Project


def outputs_beside(
    project: Project | None,
    references: Iterable[str | None] = (),
    *,
    may_overwrite: bool = False,
    is_inside: bool = False,
) -> Outputs:
    """Return what may be written by a command that reads a project and models.

    Parameters
    ----------
    references
        Sources and runs as the user names them; those that are files, folders or runs of other projects are
        inputs.
    is_inside
        Whether the project itself writes, to a place of its own.
    """
    inputs = [] if project is None else image_inputs(project.image.path, "the image of the project")
    if project is not None and not is_inside:
        inputs.append(Input(project.folder, "the project"))
    for reference in references:
        inputs += _inputs_named(reference)
    own = project.folder if project is not None and is_inside else None
    return Outputs(tuple(inputs), may_overwrite, own)


def image_inputs(path: str, what: str) -> list[Input]:
    """Return the files of an image as inputs."""
    return [Input(file, what) for file in files_of_image(path)]


def _inputs_named(reference: str | None) -> list[Input]:
    if not reference:
        return []
    folder, separator, _ = reference.rpartition(":")
    places = [Path(reference), Path(folder)] if separator and folder else [Path(reference)]
    return [Input(place, "a source that is read") for place in places if place.exists()]
