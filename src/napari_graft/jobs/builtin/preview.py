"""Segment tiles with several models, for a window to show side by side."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from napari_graft.jobs.base import Answer, Job, ProjectRequest, TileBox, Work


class ObjectOverlap(BaseModel):
    """How well the second model finds an object of the first: intersection over union, 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: int
    iou: float


class PreviewResult(Answer):
    """What several models make of tiles.

    Parameters
    ----------
    path
        The safetensors file; see `preview_models` for what is in it.
    references, names
        The models as they were asked for, and what they are called.
    n_objects
        Number of objects for each model and tile.
    differences
        For each tile the objects of the first model in the second's; empty where there is one model.
    """

    path: str
    references: tuple[str, ...]
    names: tuple[str, ...]
    n_objects: tuple[tuple[int, ...], ...]
    differences: tuple[tuple[ObjectOverlap, ...], ...]


class PreviewRequest(ProjectRequest[PreviewResult]):
    """What a preview is asked for.

    Parameters
    ----------
    references
        One or more sources or runs.
    tiles
        Where, inside the image; for a 2-D model of a stack one slice thick.
    out
        File for the result, ``.safetensors``.
    with_uncertainty
        Whether the uncertainty is written beside the objects.
    device
        Where the networks run.
    """

    kind: ClassVar[str] = "preview"

    references: tuple[str, ...]
    tiles: tuple[TileBox, ...]
    out: str
    with_uncertainty: bool = False
    device: str = "auto"


def _preview(request: PreviewRequest, work: Work) -> PreviewResult:
    from napari_graft.session.model_comparison import PreviewOptions, preview_models

    tiles = tuple(box.tile for box in request.tiles)
    options = PreviewOptions(
        request.references, tiles, Path(request.out), request.with_uncertainty, request.device
    )
    found = preview_models(
        work.project, options, catalogue=work.catalogue, report=work.report, cancel=work.cancel
    )
    return PreviewResult(
        path=str(found.path),
        references=request.references,
        names=found.names,
        n_objects=found.n_objects,
        differences=tuple(
            tuple(ObjectOverlap(id=number, iou=iou) for number, iou in of_tile.items())
            for of_tile in found.differences
        ),
    )


JOB = Job(
    PreviewRequest,
    PreviewResult,
    _preview,
    title="Looking at the tiles",
    lane="short",
    after_a_crash="nothing is lost: preview again",
)
