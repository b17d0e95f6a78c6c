"""What the worker does for each kind of job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_graft.core.memory import resident_megabytes
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.engine.protocol import (
    DeviceJob,
    Job,
    LearnJob,
    MergeJob,
    PredictJob,
    PreviewJob,
    RankJob,
    SuggestJob,
    TileBox,
    TrainJob,
    TrialJob,
)
from napari_graft.nets.device import choose_device
from napari_graft.project.opening import open_delegate, open_project
from napari_graft.project.project import Project
from napari_graft.session.depth import lacking_depth
from napari_graft.session.fitting import Budget
from napari_graft.session.mapping import map_sources
from napari_graft.session.merging import MergeTask
from napari_graft.session.predicting import PredictRequest, predict_project
from napari_graft.session.previewing import PreviewRequest, preview_models
from napari_graft.session.ranking import rank_sources, unseen_sources
from napari_graft.session.suggesting import SuggestRequest, choose_tiles
from napari_graft.session.training import TrainingTask
from napari_graft.session.trial import TrialTask
from napari_graft.sources.catalogue import Catalogue

Result = dict[str, Any]


def run_task(job: Job, report: Report, cancel: CancelToken) -> Result:
    """Do what a job asks for and return its result; the class of the job says what that holds.

    Raises
    ------
    InputError, StorageError, Cancelled
        As for the command of the same name.
    """
    return _TASKS[job.kind](job, report, cancel)


def _train(job: TrainJob, report: Report, cancel: CancelToken) -> Result:
    with _open_to_train(job) as project:
        task = TrainingTask(project, Catalogue(), _with_memory(report, job.device), cancel)
        return task.run(job.source, _budget(job)).as_dict()


def _trial(job: TrialJob, report: Report, cancel: CancelToken) -> Result:
    with _open_to_train(job) as project:
        task = TrialTask(project, Catalogue(), _with_memory(report, job.device), cancel)
        return task.run(job.sources, _budget(job)).model_dump(mode="json")


def _merge(job: MergeJob, report: Report, cancel: CancelToken) -> Result:
    with _open_to_train(job) as project:
        task = MergeTask(project, Catalogue(), _with_memory(report, job.device), cancel)
        return task.run(job.sources, _budget(job), job.method).as_dict()


def _budget(job: LearnJob) -> Budget:
    return Budget(job.seconds, job.steps, job.device, job.seed, job.stops_when_flat)


def _open_to_train(job: LearnJob) -> Project:
    return open_delegate(job.project) if job.is_delegate else open_project(job.project, write=True)


def _with_memory(report: Report, device: str) -> Report:
    """Add the memory that the work takes: that of the GPU where it runs there."""
    is_on_gpu = choose_device(device).type == "cuda"

    def report_with_memory(state: Progress) -> None:
        memory = _gpu_megabytes() if is_on_gpu else resident_megabytes()
        known = {} if memory is None else {"memory_mb": memory}
        report(replace(state, metrics={**state.metrics, **known}))

    return report_with_memory


def _gpu_megabytes() -> float:
    import torch

    return torch.cuda.memory_reserved() / 2**20


def _predict(job: PredictJob, report: Report, cancel: CancelToken) -> Result:
    uncertainty = None if job.uncertainty is None else Path(job.uncertainty)
    request = PredictRequest(
        Path(job.out),
        job.run,
        job.source,
        job.region,
        uncertainty,
        job.device,
        overwrite=job.overwrite,
        is_inside=job.is_inside,
    )
    with open_project(job.project) as project:
        result = predict_project(project, request, catalogue=Catalogue(), report=report, cancel=cancel)
    return {
        "path": str(result.path),
        "n_objects": result.n_objects,
        "uncertainty": job.uncertainty,
        "seconds": result.seconds,
        "made_of": None if result.made_of is None else result.made_of.model_dump(mode="json"),
    }


def _rank(job: RankJob, report: Report, cancel: CancelToken) -> Result:
    with open_project(job.project) as project:
        sources, seen = unseen_sources(project, Catalogue(), job.exclude)
        ranked = rank_sources(project, sources, device=job.device, report=report, cancel=cancel)
        unsuited = lacking_depth(sources, project.volume)
        places = [entry.source for entry in ranked]
        mapped = map_sources(places, project, device=job.device, report=report, cancel=cancel)
    return {
        "ranking": [entry.describe() for entry in ranked],
        "left_out": [source.id for source in seen],
        "unsuited": unsuited,
        "map": None
        if mapped is None
        else {"names": list(mapped.names), "distances": mapped.distances.tolist()},
    }


def _suggest(job: SuggestJob, report: Report, cancel: CancelToken) -> Result:
    request = SuggestRequest(
        n=job.n,
        tile=job.tile,
        strategy=job.strategy,
        source=job.source,
        seed=job.seed,
        device=job.device,
        avoid=_tiles(job.avoid),
        with_uncertainty=job.with_uncertainty,
    )
    with open_project(job.project) as project:
        choice = choose_tiles(project, request, catalogue=Catalogue(), report=report, cancel=cancel)
    suggestions = [
        _box(one.tile) | {"score": float(one.score), "reason": one.reason} for one in choice.suggestions
    ]
    candidates = [_box(one.tile) | {"uncertainty": one.uncertainty} for one in choice.candidates]
    return {
        "suggestions": suggestions,
        "candidates": candidates,
        "strategy": choice.strategy,
        "model": choice.model,
    }


def _preview(job: PreviewJob, report: Report, cancel: CancelToken) -> Result:
    request = PreviewRequest(
        job.references, _tiles(job.tiles), Path(job.out), job.with_uncertainty, job.device
    )
    with open_project(job.project) as project:
        preview = preview_models(project, request, catalogue=Catalogue(), report=report, cancel=cancel)
    return {
        "path": str(preview.path),
        "references": list(job.references),
        "names": list(preview.names),
        "n_objects": [list(of_model) for of_model in preview.n_objects],
        "differences": [
            [{"id": number, "iou": iou} for number, iou in of_tile.items()] for of_tile in preview.differences
        ],
    }


def _device(job: DeviceJob, report: Report, cancel: CancelToken) -> Result:
    import torch

    device, n_cores = choose_device(job.device), torch.get_num_threads()
    if device.type == "cpu":
        return {"name": "CPU", "is_gpu": False, "n_cores": n_cores, "memory_mb": None}
    found = torch.cuda.get_device_properties(device)
    return {"name": found.name, "is_gpu": True, "n_cores": n_cores, "memory_mb": found.total_memory / 2**20}


def _tiles(boxes: Sequence[TileBox]) -> tuple[Tile, ...]:
    return tuple(Tile(box.start, box.shape) for box in boxes)


def _box(tile: Tile) -> Result:
    return {"start": list(tile.start), "shape": list(tile.shape)}


_TASKS: dict[str, Callable[[Any, Report, CancelToken], Result]] = {
    "train": _train,
    "trial": _trial,
    "merge": _merge,
    "predict": _predict,
    "rank": _rank,
    "suggest": _suggest,
    "preview": _preview,
    "device": _device,
}
