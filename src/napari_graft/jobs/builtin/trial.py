"""Train the best sources for a short time each, and go on with the one that does best."""

from __future__ import annotations

from typing import ClassVar

from napari_graft.jobs.base import Job, Work
from napari_graft.jobs.budget import LearnRequest
from napari_graft.project.run_store import StoredTrial


class TrialRequest(LearnRequest[StoredTrial]):
    """What a trial of several sources is asked for; `seconds` and `steps` are those of each.

    Parameters
    ----------
    sources
        Ids of the sources.
    """

    kind: ClassVar[str] = "trial"

    sources: tuple[str, ...]


def _try_sources(request: TrialRequest, work: Work) -> StoredTrial:
    from napari_graft.session.training.source_trial import TrialTask

    task = TrialTask(work.project, work.catalogue, work.report, work.cancel)
    return task.run(request.sources, request.budget)


JOB = Job(
    TrialRequest,
    StoredTrial,
    _try_sources,
    title="Trying the sources",
    access="write",
    after_a_crash="the sources that are done are kept: try again to go on",
)
