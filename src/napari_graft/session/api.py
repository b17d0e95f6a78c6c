"""The loop for scripts: what the commands do, as functions of an open project."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from napari_graft.acquisition.candidates import Suggestion
from napari_graft.blockwise import SegmentResult
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.merging.recipe import DEFAULT_METHOD
from napari_graft.metrics import evaluate
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.trial import StoredTrial
from napari_graft.session import planning, predicting, ranking, suggesting, training
from napari_graft.session.fitting import Budget
from napari_graft.session.merging import MergeReport, MergeTask
from napari_graft.session.planning import TrialPlan
from napari_graft.session.predicting import PredictRequest
from napari_graft.session.ranking import RankedSource
from napari_graft.session.suggesting import SuggestRequest
from napari_graft.session.training import TrainingTask, TrainReport
from napari_graft.session.trial import TrialTask
from napari_graft.sources.catalogue import Catalogue

__all__ = [
    "evaluate",
    "merge_sources",
    "open_project",
    "predict_volume",
    "propose_plan",
    "rank_sources",
    "run_trial",
    "suggest_tiles",
    "train",
]


def rank_sources(
    project: Project,
    *,
    exclude: Collection[str] = (),
    include_seen: bool = False,
    report: Report = ignore_progress,
) -> list[RankedSource]:
    """Return the sources, best first, by how close their training images lie to the project's image.

    Parameters
    ----------
    exclude
        Ids or paths of sources to leave out.
    include_seen
        Rank also the sources that were trained on the image or its data set; see `unseen_sources`. Otherwise
        `report` is told which were left out.

    Raises
    ------
    InputError
        If there is no source to rank, or one to leave out does not exist.
    """
    if include_seen:
        sources = ranking.candidate_sources(Catalogue(), exclude)
    else:
        sources, seen = ranking.unseen_sources(project, Catalogue(), exclude)
        if seen:
            report(Progress(0, None, ranking.tell_left_out(seen)))
    return ranking.rank_sources(project, sources, report=report, cancel=CancelToken())


def propose_plan(ranked: Sequence[RankedSource], n_tiles: int = 8, minutes: float = 10.0) -> TrialPlan:
    """Propose which of the ranked sources to try, on how many tiles, and for how long.

    Parameters
    ----------
    ranked
        What `rank_sources` returned.
    n_tiles, minutes
        Tiles to annotate and training time in all.

    Raises
    ------
    InputError
        If there is nothing to spend, or no source of the wanted family was ranked.
    """
    return planning.propose_plan([entry.as_entry() for entry in ranked], n_tiles, minutes)


def run_trial(
    project: Project,
    plan: TrialPlan,
    *,
    steps: int | None = None,
    seed: int = 0,
    report: Report = ignore_progress,
) -> StoredTrial:
    """Try the sources of a plan on the annotated tiles, in this process; the best becomes a run.

    Parameters
    ----------
    project
        Open for writing.
    steps
        Steps for each source, instead of the time that the plan gives it.

    Raises
    ------
    InputError
        If no tile is annotated.
    """
    budget = Budget(plan.seconds_each if steps is None else None, steps, seed=seed)
    return TrialTask(project, Catalogue(), report, CancelToken()).run(plan.shortlist, budget)


def suggest_tiles(
    project: Project, n: int = 4, *, report: Report = ignore_progress, **options: Any
) -> list[Suggestion]:
    """Return the `n` tiles most worth annotating, and store them if the project is open for writing.

    Parameters
    ----------
    options
        Other fields of `SuggestRequest`, such as ``strategy`` and ``seed``.

    Raises
    ------
    InputError
        If an option does not fit, or no tile is left.
    """
    request = SuggestRequest(n, **options)
    return suggesting.suggest_tiles(
        project, request, catalogue=Catalogue(), report=report, cancel=CancelToken()
    )


def train(
    project: Project,
    source: str = training.BEST,
    *,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    report: Report = ignore_progress,
) -> TrainReport:
    """Train on the annotated tiles of a project that is open for writing, in this process.

    Parameters
    ----------
    source
        ``best``, ``latest``, ``scratch``, a source's id or path, or ``PROJECT:RUN``.
    seconds, steps
        Budget; two minutes where neither is given.

    Raises
    ------
    InputError
        If no tile is annotated, or the source is unknown.
    """
    budget = Budget(120.0 if seconds is None and steps is None else seconds, steps, seed=seed)
    return TrainingTask(project, Catalogue(), report, CancelToken()).run(source, budget)


def merge_sources(
    project: Project,
    sources: Sequence[str],
    *,
    method: str = DEFAULT_METHOD,
    report: Report = ignore_progress,
    **options: Any,
) -> MergeReport:
    """Merge sources into one model on the annotated tiles of a project that is open for writing.

    Parameters
    ----------
    sources
        Two or more ids, paths or runs; the first one lends its pixel size.
    method
        Name of a merge method: ``kernel`` or ``average``.
    options
        Fields of `Budget`: ``seconds``, ``steps``, ``seed``, ``device``; two minutes where neither a time nor
        steps are given.

    Raises
    ------
    InputError
        If no tile is annotated, or the sources cannot be merged.
    """
    budget = Budget(**({"seconds": None} if "steps" in options else {}) | options)
    return MergeTask(project, Catalogue(), report, CancelToken()).run(sources, budget, method)


def predict_volume(
    project: Project,
    out: str | os.PathLike[str],
    *,
    report: Report = ignore_progress,
    **options: Any,
) -> SegmentResult:
    """Segment the project's image block by block into a ``.tif`` or ``.zarr``.

    Parameters
    ----------
    options
        Other fields of `PredictRequest`: ``run``, ``source``, ``region``, ``uncertainty``, ``device``.

    Raises
    ------
    InputError
        If the model or the region does not exist.
    """
    request = PredictRequest(Path(out), **options)
    return predicting.predict_project(
        project, request, catalogue=Catalogue(), report=report, cancel=CancelToken()
    )
