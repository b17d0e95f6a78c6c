"""Find the objects of a result that may be wrong, the most gain first."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from napari_graft.jobs.base import Answer, Job, ProjectRequest, Work


class SuspicionsResult(Answer):
    """What was found.

    Parameters
    ----------
    path
        File of the list.
    n_suspicions
        How many objects may be wrong.
    """

    path: str
    n_suspicions: int


class SuspicionsRequest(ProjectRequest[SuspicionsResult]):
    """What is looked for.

    Parameters
    ----------
    segmentation
        File of the result; the edits that the project keeps of it are done on it.
    out
        File for the list, ``.json``.
    start
        Where in the image its first pixel lies; nothing for the first pixel of the image.
    reference
        A source or a run, such as ``run 0003``, that is asked about the borders; or None.
    other
        File of another result of the same pixels to compare with, or None.
    previous
        File of the result of the round before, of the same pixels, or None.
    device
        Where the network runs.
    """

    kind: ClassVar[str] = "suspicions"

    segmentation: str
    out: str
    start: tuple[int, ...] = ()
    reference: str | None = None
    other: str | None = None
    previous: str | None = None
    device: str = "auto"


def _find(request: SuspicionsRequest, work: Work) -> SuspicionsResult:
    from napari_graft.session.models import load_model
    from napari_graft.session.proofreading import SuspicionOptions, find_suspicions

    options = SuspicionOptions(
        Path(request.segmentation),
        request.start or (0,) * len(work.project.manifest.shape),
        Path(request.out),
        None if request.other is None else Path(request.other),
        None if request.previous is None else Path(request.previous),
        request.device,
    )
    reference = request.reference
    model = None if reference is None else load_model(reference, work.project, work.catalogue)
    found = find_suspicions(work.project, model, options, report=work.report, cancel=work.cancel)
    return SuspicionsResult(path=request.out, n_suspicions=len(found.suspicions))


JOB = Job(
    SuspicionsRequest,
    SuspicionsResult,
    _find,
    title="Looking for suspicious objects",
    lane="ranking",
    after_a_crash="nothing is lost: look again",
)
