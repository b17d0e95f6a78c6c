"""A training that was cut off, and can be gone on with."""

from __future__ import annotations

from dataclasses import dataclass

from napari_graft.core.errors import InputError
from napari_graft.merging.recipe import MergeRecipe
from napari_graft.project.project import Project
from napari_graft.project.run import Run, checkpoint_age


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A training that was cut off, and how to ask for it again.

    Parameters
    ----------
    steps, seconds
        How far it was.
    source, seed, asked_seconds
        What was asked for.
    merge
        What was being merged, None where one model was trained.
    """

    steps: int
    seconds: float
    source: str
    seed: int
    asked_seconds: float | None
    merge: MergeRecipe | None = None


def unfinished_training(project: Project, n_tiles: int) -> Unfinished | None:
    """Return the last training where it was cut off and was on the same number of tiles, else None."""
    run = project.runs.unfinished()
    if run is None or run.record.n_tiles != n_tiles:
        return None
    try:
        steps, seconds = _age(run)
    except InputError:  # damaged: there is nothing to go on from
        return None
    settings = run.record.settings
    asked = settings.get("seconds")
    return Unfinished(
        steps=steps,
        seconds=seconds,
        source=str(settings.get("asked") or run.record.source),
        seed=int(settings.get("seed") or 0),
        asked_seconds=float(asked) if asked else None,
        merge=run.record.merge,
    )


def _age(run: Run) -> tuple[int, float]:
    """Return the steps and seconds that a run had used; the record knows those of the first half of a merge.

    Raises
    ------
    InputError
        If its state is damaged, or there is none.
    """
    if run.newest_state == run.merged_path:
        return run.record.steps, run.record.seconds
    if run.newest_state == run.mixing_path:
        return checkpoint_age(run.mixing_path)
    steps, seconds = checkpoint_age(run.checkpoint_path)
    return run.record.steps + steps, run.record.seconds + seconds
