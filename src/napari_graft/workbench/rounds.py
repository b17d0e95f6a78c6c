"""The trainings of a project as the window shows them, each with what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from napari_graft.project.comparison import Comparison, compare, recorded
from napari_graft.project.project import Project
from napari_graft.project.run import Run, RunMoment
from napari_graft.sources.card import LeadingScore, Structure, leading_score
from napari_graft.sources.catalogue import Catalogue
from napari_graft.workbench.made_of import MadeOf, made_of
from napari_graft.workbench.start_points import start_name

Who = Literal["new", "previous", "source"]
_SUFFIXES: dict[Who, str] = {"new": "", "previous": "_previous", "source": "_source"}


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """Scores of a model on the held-out part.

    Parameters
    ----------
    who
        The new model, the one in use before, or the untouched source.
    score, loss
        None where nothing that suits was held out.
    quality
        The score that decides, higher is better; None also for runs of before it was recorded.
    """

    who: Who
    score: float | None
    loss: float | None
    quality: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """A finished training, as the window shows it.

    Parameters
    ----------
    run_id
        Id of its run.
    start
        What it started from, in words; empty where several were merged.
    n_tiles, steps, seconds, stopped_by
        As in the record of the run.
    is_kept, is_in_use
        Whether it may be used, and whether it is the last of those that may.
    measure
        Name of the score that suits the structure.
    models
        The new model, and those that it is compared with on the same held-out part.
    history
        Losses over the training.
    made_of
        What was merged, None where it started from one model.
    choice, note
        Why not all of the training was kept, and why scores are missing, in words; mostly empty.
    has_objects
        Whether an object was painted on its tiles, without which it may not take over by itself.
    """

    run_id: str
    start: str
    n_tiles: int
    steps: int
    seconds: float
    stopped_by: str
    is_kept: bool
    is_in_use: bool
    measure: LeadingScore
    models: tuple[ComparedModel, ...]
    history: tuple[RunMoment, ...]
    made_of: MadeOf | None = None
    choice: str = ""
    note: str = ""
    has_objects: bool = True

    @property
    def number(self) -> int:
        """Which round it is, from 1."""
        return int(self.run_id)

    @property
    def rival(self) -> ComparedModel | None:
        """The model that the new one had to match, None where there was none."""
        others = {model.who: model for model in self.models[1:]}
        return others.get("previous", others.get("source"))

    @property
    def is_no_worse(self) -> bool | None:
        """Whether it is no worse than the rival on the held-out part, None where that was not measured."""
        return None if self.comparison is None else self.comparison != "worse"

    @property
    def comparison(self) -> Comparison | None:
        """How it compares with the rival on the held-out part, None where that was not measured."""
        return None if self.rival is None else compare(self.models[0], self.rival)


def finished_rounds(project: Project, catalogue: Catalogue) -> tuple[Round, ...]:
    """Return the finished trainings of a project, the first one first."""
    runs = [run for run in project.runs.all() if run.is_finished]
    in_use = next((run.id for run in reversed(runs) if run.record.kept), None)
    structure = project.manifest.structure
    return tuple(_round(run, run.id == in_use, structure, catalogue) for run in runs)


def _round(run: Run, is_in_use: bool, structure: Structure | None, catalogue: Catalogue) -> Round:
    record = run.record
    return Round(
        run_id=run.id,
        start=start_name(record.source, catalogue) if record.merge is None else "",
        n_tiles=record.n_tiles,
        steps=record.steps,
        seconds=record.seconds,
        stopped_by=record.stopped_by or "",
        is_kept=record.kept,
        is_in_use=is_in_use,
        measure=leading_score(structure),
        models=_compared(record.validation, structure),
        history=record.history,
        made_of=None if record.merge is None else made_of(record.merge, catalogue),
        choice=record.choice,
        note=record.note,
        has_objects=record.has_objects,
    )


def _compared(validation: Mapping[str, float], structure: Structure | None) -> tuple[ComparedModel, ...]:
    measure, models = leading_score(structure), []
    for who, suffix in _SUFFIXES.items():
        found = recorded(validation, structure, suffix)
        models.append(ComparedModel(who, validation.get(measure + suffix), found.loss, found.quality))
    return tuple(m for m in models if m.who == "new" or m.score is not None or m.loss is not None)
