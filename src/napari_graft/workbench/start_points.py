"""What a training can start from, in the order in which it is offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_graft.project.project import Project
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.inverted import id_without_view, invert_source
from napari_graft.sources.source import Source

SCRATCH = "scratch"
"""As `session.models.load_model` knows it."""


@dataclass(frozen=True, slots=True)
class StartPoint:
    """A model to start from.

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
    sources = {source.id: source for source in catalogue.sources()}
    source = sources.get(id_without_view(reference))
    return reference if source is None else _in_view(source, reference).card.title


def _sources(catalogue: Catalogue, ndim: int, chosen: str | None, ranked: Sequence[str]) -> list[StartPoint]:
    ranks = {source_id: i for i, source_id in enumerate(ranked)}
    views = {id_without_view(reference): reference for reference in (*ranked, *filter(None, (chosen,)))}
    offered = [_in_view(source, views.get(source.id, source.id)) for source in catalogue.sources()]
    usable = [one for one in offered if one.card.spec.ndim <= ndim and one.card.spec.is_trainable]
    usable.sort(key=lambda source: (source.id != chosen, ranks.get(source.id, len(ranks))))
    marks = {source_id: f" (rank {i + 1})" for source_id, i in ranks.items()}
    if chosen is not None:
        marks[chosen] = " (chosen)"
    return [StartPoint(source.id, source.card.title + marks.get(source.id, "")) for source in usable]


def _in_view(source: Source, reference: str) -> Source:
    """Return a source in the view that a reference to it names."""
    return source if reference == source.id else invert_source(source)
