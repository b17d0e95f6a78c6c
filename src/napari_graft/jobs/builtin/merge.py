"""Merge several models into one, and train it on the annotated tiles."""

from __future__ import annotations

from typing import ClassVar

from napari_graft.jobs.base import Job, Work
from napari_graft.jobs.budget import LearnRequest
from napari_graft.merging.recipe import DEFAULT_METHOD
from napari_graft.project.reports import MergeReport


class MergeRequest(LearnRequest[MergeReport]):
    """What a merge is asked for.

    Parameters
    ----------
    sources
        Two or more: sources, PROJECT:RUN or latest. The first one lends its pixel size.
    method
        Name of a merge method.
    """

    kind: ClassVar[str] = "merge"

    sources: tuple[str, ...]
    method: str = DEFAULT_METHOD


def _merge(request: MergeRequest, work: Work) -> MergeReport:
    from napari_graft.session.merging import MergeTask

    task = MergeTask(work.project, work.catalogue, work.report, work.cancel)
    return task.run(request.sources, request.budget, request.method)


JOB = Job(
    MergeRequest,
    MergeReport,
    _merge,
    title="Merging",
    access="write",
    keeps_its_best=True,
    after_a_crash="what it had saved is kept: merge again to go on",
)
