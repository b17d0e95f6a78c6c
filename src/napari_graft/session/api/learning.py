"""Whatever learns, for scripts: in this process, within a budget."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from napari_graft.bridging.recipe import DEFAULT_METHOD as DEFAULT_BRIDGE
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io import open_labels
from napari_graft.merging.recipe import DEFAULT_METHOD
from napari_graft.pretraining.record import DEFAULT_OBJECTIVE, DEFAULT_REPLAY
from napari_graft.pretraining.record import DEFAULT_SECONDS as PRETRAIN_SECONDS
from napari_graft.project.auto import AutoPlan, StoredAuto
from napari_graft.project.project import Project
from napari_graft.project.reports import BridgeReport, MergeReport, PretrainReport, TrainReport
from napari_graft.project.run_store import StoredTrial
from napari_graft.session.active.rounds import AutoTask
from napari_graft.session.bridging.task import BridgeTask
from napari_graft.session.merging import MergeTask
from napari_graft.session.notebook import default_report
from napari_graft.session.pretraining import PretrainOptions, PretrainTask
from napari_graft.session.training import train as training
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.source_trial import TrialTask
from napari_graft.session.training.train import TrainingTask
from napari_graft.session.training.trial_plan import TrialPlan
from napari_graft.sources.catalogue import Catalogue

DEFAULT_SECONDS = 120.0
AUTO_SECONDS = 600.0


def train(
    project: Project,
    source: str = training.BEST,
    *,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Report | None = None,
) -> TrainReport:
    """Train on the annotated tiles of a project that is open for writing, in this process.

    Parameters
    ----------
    source
        ``best``, ``latest``, ``scratch``, a source's id or path, or ``PROJECT:RUN``.
    seconds, steps
        Budget; two minutes where neither is given.
    seed
        Decides patches and augmentation.
    device
        Where to train: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If no tile is annotated, or the source is unknown.
    """
    task = TrainingTask(project, Catalogue(), report or default_report(), CancelToken())
    return task.run(source, _budget(seconds, steps, device, seed))


def run_trial(
    project: Project,
    plan: TrialPlan,
    *,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Report | None = None,
) -> StoredTrial:
    """Try the sources of a plan on the annotated tiles, in this process; the best becomes a run.

    Parameters
    ----------
    project
        Open for writing.
    plan
        What `propose_plan` returned.
    steps
        Steps for each source, instead of the time that the plan gives it.
    seed
        Decides patches and augmentation.
    device
        Where the networks are trained: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If no tile is annotated.
    """
    budget = Budget(plan.seconds_each if steps is None else None, steps, device, seed)
    task = TrialTask(project, Catalogue(), report or default_report(), CancelToken())
    return task.run(plan.shortlist, budget)


def run_auto(
    project: Project,
    labels: str | os.PathLike[str],
    n_tiles: int = 8,
    *,
    per_round: int = 4,
    seconds: float | None = None,
    steps: int | None = None,
    source: str = training.BEST,
    strategy: str = "auto",
    tile: int | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Report | None = None,
) -> StoredAuto:
    """Suggest tiles, take their labels from a label image and train, round after round, as ``auto`` does.

    Parameters
    ----------
    project
        Open for writing.
    labels
        A file: 0 background, 1… objects.
    n_tiles, per_round
        Tiles to paint in all, and in each round.
    seconds, steps
        Time of the computer for all rounds, and training steps of a round; ten minutes where neither is
        given.
    source
        What the first round starts from: ``best``, ``scratch``, a source's id or path, or ``PROJECT:RUN``.
    strategy
        ``auto``, or the name of a strategy, as the command ``suggest`` lists them.
    tile
        Side of a tile in pixels; None for one that suits the objects where their size is known, else 256.
    seed
        Decides tiles, patches and augmentation.
    device
        Where the networks run: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If there is nothing to spend, or the labels or the source do not fit.
    """
    plan = AutoPlan(
        labels=os.fspath(labels),
        n_tiles=n_tiles,
        per_round=per_round,
        seconds=AUTO_SECONDS if seconds is None and steps is None else seconds,
        steps=steps,
        source=source,
        strategy=strategy,
        seed=seed,
        tile=tile,
    )
    task = AutoTask(
        project,
        open_labels(labels),
        plan,
        Catalogue(),
        report or default_report(),
        CancelToken(),
        device=device,
    )
    return task.run()


def merge_sources(
    project: Project,
    sources: Sequence[str],
    *,
    method: str = DEFAULT_METHOD,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Report | None = None,
) -> MergeReport:
    """Merge sources into one model on the annotated tiles of a project that is open for writing.

    Parameters
    ----------
    sources
        Two or more ids, paths or runs; the first one lends its pixel size.
    method
        Name of a merge method: ``kernel``, ``average``, ``probing``, ``slices``, ``consistent``, ``soup`` or
        ``distilled``.
    seconds, steps
        Budget; two minutes where neither is given.
    seed
        Decides patches and augmentation.
    device
        Where to train: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If no tile is annotated, or the sources cannot be merged.
    """
    task = MergeTask(project, Catalogue(), report or default_report(), CancelToken())
    return task.run(sources, _budget(seconds, steps, device, seed), method)


def bridge(
    project: Project,
    source: str,
    pairs: tuple[str | os.PathLike[str], str | os.PathLike[str]],
    *,
    method: str = DEFAULT_BRIDGE,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Report | None = None,
) -> BridgeReport:
    """Bridge a source to the modality of the image of a project that is open for writing, without labels.

    Parameters
    ----------
    source
        A source, or a run, that was trained on another modality.
    pairs
        Two folders of images with the same names, one field in two modalities, of any specimen: first the
        modality of the image, then that of the source.
    method
        Name of a bridge method: ``tgmb-tgkt`` (a translator, then a student), ``tgmb`` (the translator
        alone), or one of the baselines.
    seconds, steps
        Budget; two minutes where neither is given.
    seed
        Decides patches and augmentation.
    device
        Where to learn: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If something is wrong with the pairs, they cannot help, or the source cannot be bridged.
    """
    task = BridgeTask(project, Catalogue(), report or default_report(), CancelToken())
    folders = (Path(pairs[0]), Path(pairs[1]))
    return task.run(source, folders, _budget(seconds, steps, device, seed), method)


def pretrain(
    project: Project,
    source: str,
    *,
    objective: str = DEFAULT_OBJECTIVE,
    replay: Sequence[str] = DEFAULT_REPLAY,
    images: Sequence[str | os.PathLike[str]] = (),
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Report | None = None,
) -> PretrainReport:
    """Prepare a source on unlabelled images, for a project that is open for writing, in this process.

    Parameters
    ----------
    source
        A source's id or path, ``latest`` or ``PROJECT:RUN``.
    objective
        What is learned from the images alone: ``masked``, ``moco`` or ``dense``.
    replay
        What keeps the rest of the network in step: ``generated``, ``distillation``, ``labelled``, or several.
    images
        Further images, by paths or patterns.
    seconds, steps
        Budget; three minutes where neither is given.
    seed
        Decides what is drawn at random.
    device
        Where to work: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If the source is unknown or finished, an image cannot be used, or there is nothing to replay.
    """
    task = PretrainTask(project, Catalogue(), report or default_report(), CancelToken())
    options = PretrainOptions(objective, tuple(replay), tuple(os.fspath(one) for one in images))
    seconds = PRETRAIN_SECONDS if seconds is None and steps is None else seconds
    return task.run(source, options, Budget(seconds, steps, device, seed))


def _budget(seconds: float | None, steps: int | None, device: str, seed: int) -> Budget:
    return Budget(DEFAULT_SECONDS if seconds is None and steps is None else seconds, steps, device, seed)
