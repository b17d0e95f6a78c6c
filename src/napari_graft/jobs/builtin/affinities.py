"""What a model says of the borders in a region of the image, for the tools that correct objects."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from napari_graft.core.tile import Tile
from napari_graft.jobs.base import Answer, Job, ProjectRequest, Work


class AffinitiesResult(Answer):
    """Where the affinities are.

    Parameters
    ----------
    path
        The safetensors file.
    """

    path: str


class AffinitiesRequest(ProjectRequest[AffinitiesResult]):
    """What affinities are asked for.

    Parameters
    ----------
    reference
        A source, or a run such as ``run 0003``.
    out
        File for the result, ``.safetensors``.
    region
        ``z0:z1,y0:y1,x0:x1``, for a 2-D model of a stack one slice thick; None for the whole image.
    device
        Where the network runs.
    """

    kind: ClassVar[str] = "affinities"

    reference: str
    out: str
    region: str | None = None
    device: str = "auto"


def _predict(request: AffinitiesRequest, work: Work) -> AffinitiesResult:
    from napari_graft.proofreading.affinity_file import save_affinities
    from napari_graft.session.models import load_model
    from napari_graft.session.prediction import parse_region
    from napari_graft.session.proofreading import predict_affinities

    shape = work.project.manifest.shape
    region = parse_region(request.region, shape) or Tile((0,) * len(shape), shape)
    model = load_model(request.reference, work.project, work.catalogue)
    found = predict_affinities(work.project, model, region, device=request.device, cancel=work.cancel)
    save_affinities(Path(request.out), found)
    return AffinitiesResult(path=request.out)


JOB = Job(
    AffinitiesRequest,
    AffinitiesResult,
    _predict,
    title="Looking at the borders",
    lane="short",
    after_a_crash="nothing is lost: use the tool again",
)
