"""The trainings of a project: what each starts from, what came of it, and the one that was cut off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from napari_graft.core.errors import InputError
from napari_graft.merging.recipe import LevelShares, MergeRecipe, levels_of
from napari_graft.project.comparison import Comparison, compare, recorded
from napari_graft.project.project import Project
from napari_graft.project.run import Run, RunMoment, checkpoint_age
from napari_graft.sources.card import LeadingScore, Structure, leading_score
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source, id_without_view, invert_source

SCRATCH = "scratch"
"""As `session.models.load_model` knows it."""
PREPARED = "run p"
"""How references to prepared sources begin."""


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
    """Return the round in use, the chosen source, prepared ones, the others by rank, earlier rounds, scratch.

    Networks of other programs are finished and no start.
    """
    latest = project.latest_run()
    runs = [run for run in reversed(project.runs.all()) if run.is_finished]
    in_use = [run for run in runs if latest is not None and run.id == latest.id]
    earlier = [run for run in runs if run not in in_use]
    sources = _sources(catalogue, len(project.manifest.shape), chosen, ranked)
    return (
        *(StartPoint(f"run {run.id}", f"{round_name(run.id)} (in use)") for run in in_use),
        *sources[:1],
        *_prepared(project, catalogue),
        *sources[1:],
        *(StartPoint(f"run {run.id}", round_name(run.id)) for run in earlier),
        StartPoint(SCRATCH, "from scratch"),
    )


def _prepared(project: Project, catalogue: Catalogue) -> list[StartPoint]:
    """Return the prepared sources that differ from what they were made of, the newest of each."""
    found: dict[str, StartPoint] = {}
    for run in project.runs.prepared():
        record = run.record
        if run.is_finished and record.pretraining is not None and record.pretraining.best_step:
            title = f"Prepared: {start_name(record.source, catalogue)}"  # first: the end of long ones is cut
            found[record.source] = StartPoint(f"run {run.id}", title)
    return list(found.values())[::-1]


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
    if reference.startswith(PREPARED):
        return f"a prepared source ({reference.removeprefix('run ')})"
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


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What a merged model is made of.

    Parameters
    ----------
    titles
        The models that were merged, as users read them.
    shares
        Share of each in all filters, none where it was stopped too early to tell.
    levels
        The same for each level, from what the network sees first to what it answers.
    """

    titles: tuple[str, ...]
    shares: tuple[float, ...]
    levels: tuple[LevelShares, ...]


def made_of(recipe: MergeRecipe, catalogue: Catalogue) -> MadeOf:
    """Return what a recipe says, with the titles of the sources."""
    titles = tuple(start_name(reference, catalogue) for reference in recipe.references)
    return MadeOf(titles, recipe.shares, levels_of(recipe.layers))


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


_SMOOTHING = 0.1
_MOST_POINTS = 2000


class TrainingCurve:
    """Curve of losses: that of the training smoothed, that of the held-out part as measured.

    Attributes
    ----------
    loss, held_out
        Points (minutes, loss).
    """

    def __init__(self) -> None:
        self.loss: list[tuple[float, float]] = []
        self.held_out: list[tuple[float, float]] = []
        self._smooth: float | None = None

    @classmethod
    def from_history(cls, history: Sequence[RunMoment]) -> TrainingCurve:
        """Return the curve of a training that ended."""
        curve = cls()
        for moment in history:
            minutes = moment.seconds / 60
            if moment.loss is not None:
                curve.loss.append((minutes, moment.loss))
            if moment.held_out is not None:
                curve.held_out.append((minutes, moment.held_out))
        return curve

    def add(self, minutes: float, loss: float, held_out: float | None) -> None:
        """Take over the losses of the moment; a held-out loss that is told again is no new point."""
        before = loss if self._smooth is None else self._smooth
        self._smooth = before + _SMOOTHING * (loss - before)
        self.loss.append((minutes, self._smooth))
        if len(self.loss) > _MOST_POINTS:
            # Half the points draw the same line.
            self.loss = self.loss[::2]
        if held_out is not None and (not self.held_out or self.held_out[-1][1] != held_out):
            self.held_out.append((minutes, held_out))

    def __bool__(self) -> bool:
        return bool(self.loss or self.held_out)


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
    if run is None or run.record.n_tiles != n_tiles or run.record.bridge is not None:
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
