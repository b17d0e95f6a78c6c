"""Train on the annotated tiles."""

from __future__ import annotations

from typing import ClassVar

from napari_graft.jobs.base import Job, Work
from napari_graft.jobs.budget import LearnRequest
from napari_graft.project.reports import TrainReport


class TrainRequest(LearnRequest[TrainReport]):
    """What a training is asked for.

    Parameters
    ----------
    source
        What to start from: best (first of the ranking), a source, PROJECT:RUN, latest, or scratch.
    """

    kind: ClassVar[str] = "train"

    source: str = "best"


def _train(request: TrainRequest, work: Work) -> TrainReport:
    from napari_graft.session.training.train import TrainingTask

    task = TrainingTask(work.project, work.catalogue, work.report, work.cancel)
    return task.run(request.source, request.budget)


JOB = Job(
    TrainRequest,
    TrainReport,
    _train,
    title="Training",
    access="write",
    keeps_its_best=True,
    after_a_crash="what it had saved is kept: train again to go on",
)
