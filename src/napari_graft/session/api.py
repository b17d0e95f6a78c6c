"""The loop for scripts: what the commands do, as functions of an open project.

Where `report` is left out, a notebook shows a progress bar, and a script nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.acquisition.candidates import Suggestion
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.blockwise import SegmentResult
from napari_graft.bridging.recipe import DEFAULT_METHOD as DEFAULT_BRIDGE
from napari_graft.core.progress import CancelToken, Report, note
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.io.labels import MaskMeaning, check_labels
from napari_graft.merging.recipe import DEFAULT_METHOD
from napari_graft.metrics import evaluate
from napari_graft.pretraining.record import DEFAULT_OBJECTIVE, DEFAULT_REPLAY
from napari_graft.pretraining.record import DEFAULT_SECONDS as PRETRAIN_SECONDS
from napari_graft.project.auto import AutoPlan, StoredAuto
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.reports import BridgeReport, MergeReport, PretrainReport, TrainReport
from napari_graft.project.run_store import StoredTrial
from napari_graft.session import prediction, suggestion
from napari_graft.session.active.rounds import AutoTask
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.bridging.task import BridgeTask
from napari_graft.session.exporting import export as exporting
from napari_graft.session.exporting.export import ExportOptions
from napari_graft.session.merging import MergeTask
from napari_graft.session.notebook import default_report
from napari_graft.session.prediction import PredictOptions
from napari_graft.session.pretraining import PretrainOptions, PretrainTask
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.ranking import rank as ranking
from napari_graft.session.ranking.rank import RankedSource
from napari_graft.session.suggestion import SuggestOptions
from napari_graft.session.training import train as training
from napari_graft.session.training import trial_plan
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.source_trial import TrialTask
from napari_graft.session.training.train import TrainingTask
from napari_graft.session.training.trial_plan import TrialPlan
from napari_graft.sources.card import Structure
from napari_graft.sources.catalogue import Catalogue

__all__ = [
    "annotate",
    "bridge",
    "evaluate",
    "export",
    "merge_sources",
    "new_project",
    "open_project",
    "predict_volume",
    "pretrain",
    "propose_plan",
    "rank_sources",
    "run_auto",
    "run_trial",
    "suggest_tiles",
    "train",
]

DEFAULT_SECONDS = 120.0
AUTO_SECONDS = 600.0


def new_project(
    folder: str | os.PathLike[str],
    image: str | os.PathLike[str],
    *,
    axes: str | None = None,
    channel: int | None = None,
    pixel_size: Sequence[float] | None = None,
    unit: str = "nm",
    structure: Structure | None = None,
) -> Project:
    """Make a project for an image, as the command ``new``, and open it for writing.

    Parameters
    ----------
    folder
        Where; a name that ends in ``.graft``.
    image
        A file or folder; ``FILE::/dataset`` for a dataset of an HDF5 file.
    axes
        One letter of ``tczyx`` for each axis of the stored array; wins over what the file says.
    channel
        The one channel to use.
    pixel_size
        Length of a pixel along y x, or z y x, in `unit`; wins over what the file says.
    structure
        What to segment: ``neurites``, ``mitochondria``, ``nuclei``, ``cells``, ``axons`` or ``organelles``.

    Raises
    ------
    InputError
        If the image cannot be used, or the folder holds something.
    """
    sizes = None if pixel_size is None else tuple(pixel_size)
    options = ImageOptions(os.fspath(image), axes, sizes, unit, channel, structure)
    return make_project(Path(folder), options)


def annotate(
    project: Project,
    labels: str | os.PathLike[str] | NDArray[np.integer],
    tiles: Sequence[Tile] | None = None,
    *,
    sparse: bool = False,
    axes: str | None = None,
    mask: MaskMeaning | None = None,
) -> list[LabelledTile]:
    """Take the labels of tiles from a label image of the size of the image, as the command ``annotate``.

    Parameters
    ----------
    project
        Open for writing.
    labels
        A file, or an array with the axes of the image: 0 background, 1… objects.
    tiles
        Where; the tiles that were suggested last if they are not given.
    sparse
        Whether the labels are strokes: 0 unlabelled, 1 background, 2… objects.
    axes
        One letter of ``tczyx`` for each axis of a file.
    mask
        What a file of two values is, such as 0 and 255: one ``object``, or ``pieces`` of which each is one.

    Raises
    ------
    InputError
        If the labels do not fit the image, or a tile cannot be accepted.
    """
    if isinstance(labels, np.ndarray):
        name = "the array of labels"
        volume = Volume(check_labels(labels, name), project.volume.axes, None, name)
    else:
        volume = open_labels(labels, axes=axes, mask=mask)
    chosen = [one.tile for one in project.suggestions().suggestions] if tiles is None else tiles
    return annotate_from_labels(project, volume, chosen, is_sparse=sparse)


def rank_sources(
    project: Project,
    *,
    exclude: Collection[str] = (),
    include_seen: bool = False,
    device: str = "auto",
    report: Report | None = None,
) -> list[RankedSource]:
    """Return the sources, best first, by how close their training images lie to the project's image.

    Parameters
    ----------
    exclude
        Ids or paths of sources to leave out.
    include_seen
        Rank also the sources that were trained on the image or its data set; see `unseen_sources`. Otherwise
        `report` is told which were left out.
    device
        Where the networks run: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If there is no source to rank, or one to leave out does not exist.
    """
    report = report or default_report()
    if include_seen:
        sources = ranking.candidate_sources(Catalogue(), exclude)
    else:
        sources, seen = ranking.unseen_sources(project, Catalogue(), exclude)
        if seen:
            report(note(ranking.tell_left_out(seen)))
    return ranking.rank_sources(project, sources, device=device, report=report, cancel=CancelToken())


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
    return trial_plan.propose_plan([entry.as_entry() for entry in ranked], n_tiles, minutes)


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


def suggest_tiles(
    project: Project,
    n: int = 4,
    *,
    tile: int | None = None,
    strategy: str = "auto",
    source: str | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Report | None = None,
) -> list[Suggestion]:
    """Return the `n` tiles most worth annotating, and store them if the project is open for writing.

    Parameters
    ----------
    tile
        Side of a tile in pixels of the image; None for one that suits the objects where their size is known,
        else 256.
    strategy
        ``auto``, or the name of a strategy, as the command ``suggest`` lists them.
    source
        Model to look with; None for the run in use, or before the first run for a general one.
    seed
        Decides what is drawn at random.
    device
        Where the network runs: ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If an option does not fit, or no tile is left.
    """
    request = SuggestOptions(n, tile, strategy, source, seed, device=device)
    return suggestion.suggest_tiles(
        project, request, catalogue=Catalogue(), report=report or default_report(), cancel=CancelToken()
    )


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
        Name of a merge method: ``kernel``, ``joint`` or ``average``.
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


def predict_volume(
    project: Project,
    out: str | os.PathLike[str],
    *,
    run: str | None = None,
    source: str | None = None,
    region: str | Sequence[tuple[int, int]] | None = None,
    uncertainty: str | os.PathLike[str] | None = None,
    device: str = "auto",
    overwrite: bool = False,
    report: Report | None = None,
) -> SegmentResult:
    """Segment the project's image block by block into a ``.tif`` or ``.zarr``.

    Parameters
    ----------
    run, source
        What to segment with, at most one of them; the run in use where neither is given.
    region
        ``"z0:z1,y0:y1,x0:x1"``, or a pair (start, stop) for each axis; None for the whole image.
    uncertainty
        File for a map of the uncertainty, 0 to 1.
    device
        Where the network runs: ``auto``, ``cpu`` or ``cuda``.
    overwrite
        Whether files are replaced that are not known to be earlier results; never an input or a project.

    Raises
    ------
    InputError
        If the model or the region does not exist, or something else is where a file is to be.
    """
    if region is not None and not isinstance(region, str):
        region = ",".join(f"{start}:{stop}" for start, stop in region)
    map_file = None if uncertainty is None else Path(uncertainty)
    request = PredictOptions(Path(out), run, source, region, map_file, device, overwrite=overwrite)
    return prediction.predict_project(
        project, request, catalogue=Catalogue(), report=report or default_report(), cancel=CancelToken()
    )


def export(
    segmentation: str | os.PathLike[str] | Project,
    to: str,
    out: str | os.PathLike[str],
    *,
    run: str | None = None,
    image: str | os.PathLike[str] | None = None,
    axes: str | None = None,
    mask: MaskMeaning | None = None,
    pixel_size: Sequence[float] | None = None,
    unit: str = "nm",
    labels_only: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
) -> Path:
    """Write objects, their measurements, the model or the methods paragraph, as the command ``export``.

    Parameters
    ----------
    segmentation
        A project or its folder, which stands for its newest segmentation of the whole image, or a label
        image.
    to
        ``ome-zarr``, ``tiff``, ``coco``, ``csv``, ``parquet``, ``mesh``, ``bioimageio``, ``graftsource`` or
        ``methods``.
    out
        File, or folder of an OME-Zarr.
    run
        Run of the project whose segmentation or model is meant; None for the newest.
    image
        The image of a label image, for intensities and pixel size; a project knows its own.
    axes
        One letter of ``tczyx`` for each axis of the label image.
    mask
        What a label image of two values is: one ``object``, or ``pieces`` of which each is one.
    pixel_size
        Length of a pixel along y x, or z y x, in `unit`; wins over what the label image says.
    labels_only
        Whether an OME-Zarr holds the objects alone, without their image.
    overwrite
        Whether a file is replaced that is not known to be an earlier result; never an input or a project.

    Raises
    ------
    InputError
        If there is no such format or segmentation, or something else is where the file is to be.
    """
    what = str(segmentation.folder) if isinstance(segmentation, Project) else os.fspath(segmentation)
    request = ExportOptions(
        what,
        to,
        Path(out),
        run,
        None if image is None else os.fspath(image),
        axes,
        mask,
        None if pixel_size is None else tuple(pixel_size),
        unit,
        labels_only,
        overwrite,
    )
    exporting.export(request, report=report or default_report(), cancel=CancelToken())
    return Path(out)


def _budget(seconds: float | None, steps: int | None, device: str, seed: int) -> Budget:
    return Budget(DEFAULT_SECONDS if seconds is None and steps is None else seconds, steps, device, seed)
