"""Prepare a source on images without labels, as long as somebody paints."""

from __future__ import annotations

from typing import ClassVar

from napari_graft.jobs.base import Job, Work
from napari_graft.jobs.budget import BudgetRequest
from napari_graft.pretraining.record import DEFAULT_OBJECTIVE, DEFAULT_REPLAY, DEFAULT_SECONDS
from napari_graft.project.reports import PretrainReport


class PretrainRequest(BudgetRequest[PretrainReport]):
    """What a pretraining is asked for.

    Parameters
    ----------
    source
        What to prepare: a source, PROJECT:RUN or latest.
    objective
        What is learned from the images alone: masked, moco or dense.
    replay
        What keeps the rest of the network in step: generated, distillation, labelled, or several.
    images
        Further images like yours, by path or pattern, such as more/*.tif.
    seconds
        How long at most; three minutes where neither a time nor steps are given.
    seed
        Decides what is drawn at random.
    """

    kind: ClassVar[str] = "pretrain"
    default_seconds: ClassVar[float] = DEFAULT_SECONDS

    source: str
    objective: str = DEFAULT_OBJECTIVE
    replay: tuple[str, ...] = DEFAULT_REPLAY
    images: tuple[str, ...] = ()


def _pretrain(request: PretrainRequest, work: Work) -> PretrainReport:
    from napari_graft.session.pretraining import PretrainOptions, PretrainTask

    task = PretrainTask(work.project, work.catalogue, work.report, work.cancel)
    options = PretrainOptions(request.objective, request.replay, request.images)
    return task.run(request.source, options, request.budget)


JOB = Job(
    PretrainRequest,
    PretrainReport,
    _pretrain,
    title="Preparing the source",
    access="write",
    keeps_its_best=True,
    after_a_crash="what it had saved is kept: prepare again to go on",
)
