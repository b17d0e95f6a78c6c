"""Put what several models make of the same tiles into one file, for a window to show side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.io import atomic
from napari_graft.io.weights import save_tensors
from napari_graft.project.project import Project
from napari_graft.segmentation.matching import best_overlaps, match_ids
from napari_graft.session.comparing import disagreement
from napari_graft.session.models import SCRATCH, Model, load_model
from napari_graft.session.segmenting import SegmentedTile, segment_each
from napari_graft.session.views import find_diameter_beforehand
from napari_graft.sources.catalogue import Catalogue

Segments = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class PreviewOptions:
    """Request for a preview.

    Parameters
    ----------
    references
        One or more sources or runs; see `load_model`.
    tiles
        Where, inside the image; for a 2-D model of a stack one slice thick.
    out
        File for the result, ``.safetensors``.
    with_uncertainty
        Whether the uncertainty is written beside the objects.
    device
        Where the networks run.
    """

    references: tuple[str, ...]
    tiles: tuple[Tile, ...]
    out: Path
    with_uncertainty: bool = False
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.references or SCRATCH in self.references:
            raise InputError(f"{list(self.references)} cannot be previewed: name sources or finished runs")
        if not self.tiles:
            raise InputError("there is no tile to preview: name at least one")


@dataclass(frozen=True, slots=True)
class Preview:
    """Result of a preview.

    Parameters
    ----------
    path
        The file.
    names
        Names of the models.
    n_objects
        Number of objects for each model and tile.
    differences
        For each tile how well the second model finds each object of the first: intersection over union by
        id; empty where there is one model.
    """

    path: Path
    names: tuple[str, ...]
    n_objects: tuple[tuple[int, ...], ...]
    differences: tuple[dict[int, float], ...]


def preview_models(
    project: Project, request: PreviewOptions, *, catalogue: Catalogue, report: Report, cancel: CancelToken
) -> Preview:
    """Segment tiles with each model and write all into one safetensors file.

    The file holds ``segments/M/T`` (uint32, shape of the tile) for model M and tile T, and as float32 from 0
    to 1 ``uncertainty/M/T`` where it was asked for and, for two or more models, ``disagreement/T`` (see
    `disagreement`). An object that the first model finds as well has the id that it has there; see
    `match_ids`.

    Raises
    ------
    InputError
        If a model is unknown, or a tile does not suit the image or a model.
    Cancelled
        Between two tiles, when asked to stop; nothing is written then.
    """
    _check_tiles(project, request.tiles)
    models = [load_model(reference, project, catalogue) for reference in request.references]
    found = _segment(project, request, models, report, cancel)
    segments = _matched([[tile.segments for tile in of_model] for of_model in found])
    tensors: dict[str, NDArray[np.generic]] = {
        f"segments/{m}/{t}": one for m, of_model in enumerate(segments) for t, one in enumerate(of_model)
    }
    for m, of_model in enumerate(found):
        for t, tile in enumerate(of_model):
            if tile.uncertainty is not None:
                tensors[f"uncertainty/{m}/{t}"] = tile.uncertainty
    differences: list[dict[int, float]] = []
    if len(models) > 1:
        for t, of_tile in enumerate(zip(*segments, strict=True)):
            tensors[f"disagreement/{t}"] = disagreement(of_tile)
            differences.append(best_overlaps(of_tile[0], of_tile[1]))
    with atomic.storage_errors(request.out):
        request.out.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(request.out, tensors, {})
    n_objects = tuple(tuple(int(np.unique(one[one > 0]).size) for one in of_model) for of_model in segments)
    return Preview(request.out, tuple(model.name for model in models), n_objects, tuple(differences))


def _check_tiles(project: Project, tiles: Sequence[Tile]) -> None:
    shape = project.manifest.shape
    image = Tile((0,) * len(shape), shape)
    for tile in tiles:
        if tile.ndim != image.ndim or not image.contains(tile):
            raise InputError(
                f"the tile at {tile.start} of shape {tile.shape} is not wholly inside the image of shape "
                f"{shape}: choose a tile inside"
            )


def _segment(
    project: Project, request: PreviewOptions, models: Sequence[Model], report: Report, cancel: CancelToken
) -> list[list[SegmentedTile]]:
    find_diameter_beforehand(project, (model.spec for model in models), cancel, report)
    total = len(models) * len(request.tiles)
    found: list[list[SegmentedTile]] = []
    for m, model in enumerate(models):
        done = m * len(request.tiles)
        report(Progress(done, total, f"segmenting with {model.name}"))
        of_model = []
        for tile in segment_each(
            project,
            model,
            request.tiles,
            wants_uncertainty=request.with_uncertainty,
            device=request.device,
            cancel=cancel,
        ):
            of_model.append(tile)
            report(Progress(done + len(of_model), total, f"segmenting with {model.name}"))
        found.append(of_model)
    return found


def _matched(segments: Sequence[Sequence[Segments]]) -> list[list[Segments]]:
    """Give the objects of all models but the first the ids of the first, or ids that no other model uses."""
    highest = [int(one.max(initial=0)) for one in segments[0]]
    matched = [list(segments[0])]
    for of_model in segments[1:]:
        renamed = [
            match_ids(first, one, top) for first, one, top in zip(segments[0], of_model, highest, strict=True)
        ]
        highest = [max(top, int(one.max(initial=0))) for top, one in zip(highest, renamed, strict=True)]
        matched.append(renamed)
    return matched
