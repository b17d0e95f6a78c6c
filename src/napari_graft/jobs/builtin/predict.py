"""Segment the image, or a part of it, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from napari_graft.io.integrity import PixelRecord
from napari_graft.jobs.base import Answer, Job, ProjectRequest, Work


class PredictResult(Answer):
    """What a segmentation came to.

    Parameters
    ----------
    path
        File of the objects.
    n_objects
        How many there are.
    uncertainty
        File of the uncertainty, None where none was asked for.
    seconds
        How long it took.
    made_of
        Which pixels it was made of, None where that cannot be told.
    """

    path: str
    n_objects: int
    uncertainty: str | None
    seconds: float
    made_of: PixelRecord | None


class PredictRequest(ProjectRequest[PredictResult]):
    """What a segmentation is asked for.

    Parameters
    ----------
    out
        File for the objects, ``.tif`` or ``.zarr``.
    run, source
        What to segment with; at most one of them. By default the run in use.
    region
        ``z0:z1,y0:y1,x0:x1``; None for the whole image.
    uncertainty
        File for the uncertainty, or None.
    device
        Where the network runs.
    scheduler
        Address of a dask scheduler whose workers segment the blocks, None for this computer.
    overwrite
        Whether a file is replaced that is not known to be an earlier result; never an input or a project.
    is_inside
        Whether the project keeps the result inside itself.
    """

    kind: ClassVar[str] = "predict"

    out: str
    run: str | None = None
    source: str | None = None
    region: str | None = None
    uncertainty: str | None = None
    device: str = "auto"
    scheduler: str | None = None
    overwrite: bool = False
    is_inside: bool = False


def _predict(request: PredictRequest, work: Work) -> PredictResult:
    from napari_graft.session.prediction import PredictOptions, predict_project

    options = PredictOptions(
        Path(request.out),
        request.run,
        request.source,
        request.region,
        None if request.uncertainty is None else Path(request.uncertainty),
        request.device,
        request.scheduler,
        overwrite=request.overwrite,
        is_inside=request.is_inside,
    )
    found = predict_project(
        work.project, options, catalogue=work.catalogue, report=work.report, cancel=work.cancel
    )
    return PredictResult(
        path=str(found.path),
        n_objects=found.n_objects,
        uncertainty=request.uncertainty,
        seconds=found.seconds,
        made_of=found.made_of,
    )


JOB = Job(
    PredictRequest,
    PredictResult,
    _predict,
    title="Segmenting the image",
    after_a_crash="what it had finished is kept: predict again to go on",
)
