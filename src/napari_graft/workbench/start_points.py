"""What a training can start from, in the order in which it is offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_graft.project.project import Project
from napari_graft.sources.catalogue import Catalogue

SCRATCH = "scratch"
"""As `session.models.load_model` knows it."""


@dataclass(frozen=True, slots=True)
class StartPoint:
    """Offer a model to start from.

    Parameters
    ----------
    reference
        What `TrainJob.source` takes.
    title
        What the user reads.
    """

    reference: str
    title: str


def start_points(
    project: Project, catalogue: Catalogue, *, chosen: str | None, ranked: Sequence[str]
) -> tuple[StartPoint, ...]:
    """Return the round in use, the chosen source, the others by their rank, earlier rounds, and scratch.

    Networks of other programs are finished and no start.
    """
    latest = project.latest_run()
    runs = [run for run in reversed(project.runs.all()) if run.is_finished]
    in_use = [run for run in runs if latest is not None and run.id == latest.id]
    earlier = [run for run in runs if run not in in_use]
    return (
        *(StartPoint(f"run {run.id}", f"{round_name(run.id)} (in use)") for run in in_use),
        *_sources(catalogue, len(project.manifest.shape), chosen, ranked),
        *(StartPoint(f"run {run.id}", round_name(run.id)) for run in earlier),
        StartPoint(SCRATCH, "from scratch"),
    )


def round_name(run_id: str) -> str:
    """Return what a run is called in the window.

    >>> round_name("0003")
    'round 3'
    """
    return f"round {int(run_id)}"


def start_name(reference: str, catalogue: Catalogue) -> str:
    """Return what the user reads for a start that a record names."""
    if reference == SCRATCH:
        return "from scratch"
    if reference.startswith("run "):
        return round_name(reference.removeprefix("run "))
    titles = {source.id: source.card.title for source in catalogue.sources()}
    return titles.get(reference, reference)


def _sources(catalogue: Catalogue, ndim: int, chosen: str | None, ranked: Sequence[str]) -> list[StartPoint]:
    ranks = {source_id: i for i, source_id in enumerate(ranked)}
    specs = ((source, source.card.spec) for source in catalogue.sources())
    usable = [source for source, spec in specs if spec.ndim <= ndim and spec.is_trainable]
    usable.sort(key=lambda source: (source.id != chosen, ranks.get(source.id, len(ranks))))
    marks = {source_id: f" (rank {i + 1})" for source_id, i in ranks.items()}
    if chosen is not None:
        marks[chosen] = " (chosen)"
    return [StartPoint(source.id, source.card.title + marks.get(source.id, "")) for source in usable]
