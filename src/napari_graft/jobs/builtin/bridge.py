"""Bridge a source to the modality of the image, with pairs of images of anything."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from napari_graft.bridging.recipe import DEFAULT_METHOD
from napari_graft.jobs.base import Job, Work
from napari_graft.jobs.budget import LearnRequest
from napari_graft.project.reports import BridgeReport


class BridgeRequest(LearnRequest[BridgeReport]):
    """What a bridge is asked for.

    Parameters
    ----------
    source
        A source, or a run, that was trained on another modality than the image.
    pairs
        Two folders of images with the same names, one field in two modalities: first the modality of the
        image, then that of the source.
    method
        Name of a bridge method.
    """

    kind: ClassVar[str] = "bridge"

    source: str
    pairs: tuple[str, str]
    method: str = DEFAULT_METHOD


def _bridge(request: BridgeRequest, work: Work) -> BridgeReport:
    from napari_graft.session.bridging.task import BridgeTask

    task = BridgeTask(work.project, work.catalogue, work.report, work.cancel)
    first, second = request.pairs
    return task.run(request.source, (Path(first), Path(second)), request.budget, request.method)


JOB = Job(
    BridgeRequest,
    BridgeReport,
    _bridge,
    title="Bridging",
    access="write",
    keeps_its_best=True,
    after_a_crash="what it had saved is kept: bridge again to go on",
)
