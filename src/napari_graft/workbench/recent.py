"""The projects that were open last on this computer."""

from __future__ import annotations

from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.project.opening import holds_project
from napari_graft.sources.catalogue import user_home
from napari_graft.sources.document import Document, read_document, write_document

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
