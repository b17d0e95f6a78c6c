"""What a window asks a worker to train or merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_graft.jobs.merge import MergeRequest
from napari_graft.jobs.train import TrainRequest
from napari_graft.merging.recipe import DEFAULT_METHOD
from napari_graft.project.project import Project
from napari_graft.workbench.train.unfinished import Unfinished


@dataclass(frozen=True, slots=True)
class WindowBudget:
    """Budget of a training in the window.

    Parameters
    ----------
    seconds
        The time, all in all.
    seed
        Decides patches and augmentation.
    stops_when_flat
        Whether it ends early once it no longer gets better.
    """

    seconds: float
    seed: int
    stops_when_flat: bool


def train_request(project: Project, source: str, budget: WindowBudget) -> TrainRequest:
    """Ask for a training beside the window, which holds the project."""
    return TrainRequest(
        project=str(project.folder),
        source=source,
        seconds=budget.seconds,
        seed=budget.seed,
        is_delegate=True,
        stops_when_flat=budget.stops_when_flat,
    )


def merge_request(
    project: Project, sources: Sequence[str], budget: WindowBudget, method: str = DEFAULT_METHOD
) -> MergeRequest:
    """Ask for a merge beside the window, which holds the project."""
    return MergeRequest(
        project=str(project.folder),
        sources=tuple(sources),
        method=method,
        seconds=budget.seconds,
        seed=budget.seed,
        is_delegate=True,
        stops_when_flat=budget.stops_when_flat,
    )


def request_to_go_on(
    project: Project, unfinished: Unfinished, budget: WindowBudget
) -> TrainRequest | MergeRequest:
    """Ask again for what was cut off."""
    merge = unfinished.merge
    if merge is None:
        return train_request(project, unfinished.source, budget)
    return merge_request(project, merge.references, budget, merge.method)
