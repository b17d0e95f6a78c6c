"""Open a project in napari: File ▸ Open Folder, drag and drop, or ``napari cortex.graft``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_graft._napari.placement import LayerData
from napari_graft._napari.project_layers import project_layers
from napari_graft.project.opening import open_project

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
