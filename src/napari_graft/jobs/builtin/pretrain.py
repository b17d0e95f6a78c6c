"""Prepare a source on images without labels, as long as somebody paints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from napari_graft.jobs.base import FormUnit, Job, ProjectRequest, Work
from napari_graft.pretraining.record import DEFAULT_OBJECTIVE, DEFAULT_REPLAY, DEFAULT_SECONDS
from napari_graft.project.reports import PretrainReport

if TYPE_CHECKING:
    from napari_graft.session.training.fitting import Budget

MINUTES = FormUnit("min", 60, smallest=0.1, largest=600)


class PretrainRequest(ProjectRequest[PretrainReport]):
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
    steps
        How many steps at most.
    device
        ``auto``, ``cpu`` or ``cuda``.
    seed
        Decides what is drawn at random.
    is_delegate
        Whether another process holds the project for writing and lets this one work; see `open_delegate`.
    """

    kind: ClassVar[str] = "pretrain"

    source: str
    objective: str = DEFAULT_OBJECTIVE
    replay: tuple[str, ...] = DEFAULT_REPLAY
    images: tuple[str, ...] = ()
    seconds: Annotated[float | None, MINUTES] = None
    steps: int | None = None
    device: str = "auto"
    seed: int = 0
    is_delegate: bool = False

    @property
    def budget(self) -> Budget:
        """The same as the session takes it.

        Raises
        ------
        InputError
            If one of them is not positive, there is no such device, or the seed is negative.
        """
        from napari_graft.session.training.fitting import Budget

        seconds = DEFAULT_SECONDS if self.seconds is None and self.steps is None else self.seconds
        return Budget(seconds, self.steps, self.device, self.seed)


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
