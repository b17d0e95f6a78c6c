"""How long people painted and proofread in a project, for each tile and for each object."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from napari_graft.core.errors import GraftError
from napari_graft.io.documents import read_document
from napari_graft.project.folder import RESULTS
from napari_graft.project.project import Project
from napari_graft.project.proofreading import ProofreadingState
from napari_graft.proofreading.journal import EDITS_SUFFIX, EditJournal, journal_header

_STATE_SUFFIX = ".proofreading.json"


class ProofreadingWork(BaseModel):
    """Work on one result.

    Parameters
    ----------
    result
        Name of what the project keeps of it.
    n_actions, seconds
        Clicks and strokes that were made, and for how long.
    n_edits, n_objects
        Edits that hold, and the objects that they changed.
    actions_per_object, seconds_per_object
        None where no object was changed.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    result: str
    n_actions: int
    seconds: float
    n_edits: int
    n_objects: int
    actions_per_object: float | None
    seconds_per_object: float | None


class WorkSpent(BaseModel):
    """Work of people in a project.

    Parameters
    ----------
    n_tiles, painted_seconds
        Tiles that are annotated, and how long was painted on those that were accepted.
    seconds_per_tile
        None where there is no tile.
    proofread
        Of each result that was corrected, by name.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    n_tiles: int
    painted_seconds: float
    seconds_per_tile: float | None
    proofread: tuple[ProofreadingWork, ...]


def work_spent(project: Project) -> WorkSpent:
    """Return what people have done in a project; what cannot be read of a result is left out."""
    n_tiles, seconds = len(project.annotations.tiles()), project.painted_seconds()
    found = (_work_on(path) for path in sorted((project.folder / RESULTS).glob(f"*{_STATE_SUFFIX}")))
    return WorkSpent(
        n_tiles=n_tiles,
        painted_seconds=seconds,
        seconds_per_tile=seconds / n_tiles if n_tiles else None,
        proofread=tuple(one for one in found if one is not None),
    )


def _work_on(path: Path) -> ProofreadingWork | None:
    name = path.name.removesuffix(_STATE_SUFFIX)
    edits = path.with_name(f"{name}{EDITS_SUFFIX}")
    ids: set[int] = set()
    n_edits = 0
    try:
        state = read_document(ProofreadingState, path, "state of the proofreading")
        header = journal_header(edits)
        if header is not None:
            for edit in EditJournal(edits, header.result, writable=False).edits():
                n_edits += 1
                ids |= edit.ids - {0}
    except GraftError:
        return None
    n = len(ids)
    return ProofreadingWork(
        result=name,
        n_actions=state.n_actions,
        seconds=state.seconds,
        n_edits=n_edits,
        n_objects=n,
        actions_per_object=state.n_actions / n if n else None,
        seconds_per_object=state.seconds / n if n else None,
    )
