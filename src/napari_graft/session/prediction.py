"""Segment with a run or a source: the whole image of a project, or single tiles of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.blockwise import SegmentOptions, SegmentResult, segment_volume
from napari_graft.blockwise.cluster import Cluster
from napari_graft.blockwise.plan import HALO
from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.progress import CancelToken, Report, note
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Predictor, uncertainty_map
from napari_graft.inference.view import ModelView
from napari_graft.io.documents import DamageLog
from napari_graft.io.writers.outputs import Outputs, check_apart
from napari_graft.io.writers.sink import check_result
from napari_graft.nets.device import choose_device
from napari_graft.project.folder import WriterLock
from napari_graft.project.image_file import ImageChoice
from napari_graft.project.project import Project
from napari_graft.project.results import note_written_result
from napari_graft.segmentation.decode import decode
from napari_graft.session.models import SCRATCH, Model, load_model, outputs_beside
from napari_graft.session.projects.project_image import view_of
from napari_graft.sources.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """Request for a segmentation.

    Parameters
    ----------
    out
        File for the instances, ``.tif`` or ``.zarr``.
    run, source
        What to predict with; at most one of them. By default the run in use.
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

    out: Path
    run: str | None = None
    source: str | None = None
    region: str | None = None
    uncertainty: Path | None = None
    device: str = "auto"
    scheduler: str | None = None
    overwrite: bool = False
    is_inside: bool = False


def predict_project(
    project: Project, request: PredictOptions, *, catalogue: Catalogue, report: Report, cancel: CancelToken
) -> SegmentResult:
    """Segment the image block by block into a file; go on where an earlier call was stopped.

    Raises
    ------
    InputError
        If something else is where the result is to be, if the model or the region does not exist, or if the
        cluster cannot be used.
    StorageError
        If the disk is full; the finished blocks are kept.
    """
    outputs = _check_outputs(project, request)
    model = _model(project, request, catalogue)

    def notify(message: str) -> None:
        report(note(message))

    view = view_of(project, model.spec, cancel, report)
    cluster = None
    if request.scheduler is not None:
        open_view = partial(_open_view, project.image, view)
        cluster = Cluster(request.scheduler, open_view, request.device)
    # With a cluster nothing runs here: its workers may have a GPU where this computer has none.
    device = choose_device("cpu" if cluster else request.device)
    predictor = Predictor(model.network, device, notify)
    region = parse_region(request.region, project.manifest.shape)
    options = SegmentOptions(region, request.uncertainty, cluster=cluster, outputs=outputs)
    result = segment_volume(
        predictor, view, model.decode, request.out, options=options, report=report, cancel=cancel
    )
    if region is None and not request.is_inside:
        _remember(project, request, result)
    return result


def _remember(project: Project, request: PredictOptions, result: SegmentResult) -> None:
    """Let the project know the file of a run of its own or of a source, for `export` to find it.

    Where another process holds the project, such as a window, that one knows what it has asked for; where the
    project cannot be written, nobody does, and the file can be named.
    """
    wanted = request.run or "latest"
    if request.source is None and not (wanted == "latest" or wanted.isdecimal()):
        return
    run_id = None if request.source is not None else project.runs.get(wanted).id
    with suppress(InputError, StorageError):
        lock = None if project.is_writable else WriterLock(project.folder, DamageLog(writable=False))
        try:
            note_written_result(
                project.folder, result.path, run_id, result.n_objects, result.made_of, request.source
            )
        finally:
            if lock is not None:
                lock.release()


def _check_outputs(project: Project, request: PredictOptions) -> Outputs:
    references = (request.source, request.run)
    outputs = outputs_beside(
        project, references, may_overwrite=request.overwrite, is_inside=request.is_inside
    )
    check_result(request.out, outputs)
    if request.uncertainty is not None:
        check_result(request.uncertainty, outputs)
        check_apart(request.out, request.uncertainty)
    return outputs


def _open_view(image: ImageChoice, known: ModelView) -> ModelView:
    return replace(known, volume=image.open())


def _model(project: Project, request: PredictOptions, catalogue: Catalogue) -> Model:
    if request.run is not None and request.source is not None:
        raise InputError("both a run and a source were named: choose one to predict with")
    if request.source == SCRATCH:
        raise InputError("'scratch' has learned nothing yet: name a source or a run to predict with")
    if request.source is not None:
        return load_model(request.source, project, catalogue)
    run = request.run or "latest"
    is_own = run == "latest" or run.isdecimal()
    return load_model(f"run {run}" if is_own and run != "latest" else run, project, catalogue)


def parse_region(text: str | None, shape: tuple[int, ...]) -> Tile | None:
    """Return the region that ``z0:z1,y0:y1,x0:x1`` names; an empty side means the border of the image.

    Raises
    ------
    InputError
        If it does not fit the image.
    """
    if text is None:
        return None
    axes = [re.fullmatch(r"\s*(\d*)\s*:\s*(\d*)\s*", part) for part in text.split(",")]
    if len(axes) != len(shape) or None in axes:
        raise InputError(
            f"region {text!r} does not fit an image with {len(shape)} axes: "
            f"write start:stop for each, for example {','.join(f'0:{n}' for n in shape)}"
        )
    starts = [int(axis[1] or 0) for axis in axes if axis]
    stops = [int(axis[2] or n) for axis, n in zip(axes, shape, strict=True) if axis]
    if any(b > n for b, n in zip(stops, shape, strict=True)):
        raise InputError(
            f"region {text!r} reaches outside the image of shape {shape}: "
            f"end it at {','.join(map(str, shape))} or before"
        )
    if any(a >= b for a, b in zip(starts, stops, strict=True)):
        raise InputError(f"region {text!r} is empty: let each axis stop after it starts")
    return Tile(tuple(starts), tuple(b - a for a, b in zip(starts, stops, strict=True)))


@dataclass(frozen=True, slots=True)
class SegmentedTile:
    """What a model makes of a tile, on the image's grid and of the shape of the tile.

    Parameters
    ----------
    segments
        0 background, objects from 1.
    uncertainty
        See `uncertainty_map`; None where it was not asked for.
    """

    segments: NDArray[np.uint32]
    uncertainty: NDArray[np.float32] | None = None


def segment_tiles(
    project: Project, model: Model, tiles: Sequence[Tile], *, device: str = "auto", cancel: CancelToken
) -> list[NDArray[np.uint32]]:
    """Return the segments of tiles that fit into memory, each of the shape of its tile, ids from 1 in each.

    Raises
    ------
    Cancelled
        Between two tiles, when asked to stop.
    """
    return [one.segments for one in segment_each(project, model, tiles, device=device, cancel=cancel)]


def segment_each(
    project: Project,
    model: Model,
    tiles: Sequence[Tile],
    *,
    wants_uncertainty: bool = False,
    device: str = "auto",
    cancel: CancelToken,
) -> Iterator[SegmentedTile]:
    """Yield what the model makes of one tile after the other.

    Every tile is predicted once, with the image around it as context.

    Raises
    ------
    Cancelled
        Between two tiles, when asked to stop.
    """
    view = view_of(project, model.spec, cancel)
    predictor = Predictor(model.network, choose_device(device))
    halo = view.on_image(HALO[model.spec.ndim])
    for tile in tiles:
        cancel.raise_if_cancelled()
        around = view.align(tile.grow(halo))
        inner = tile.shift([-a for a in around.start]).slices
        prediction = predictor.predict(view, around, cancel)
        found = decode(prediction.foreground, prediction.affinities, model.spec.offsets, model.decode)
        segments = _relabelled(view.labels_to_image(found, around)[inner])
        uncertainty = None
        if wants_uncertainty:
            unsure = uncertainty_map(prediction, model.spec.n_attractive)
            uncertainty = np.ascontiguousarray(view.map_to_image(unsure, around)[inner])
        yield SegmentedTile(segments, uncertainty)


def _relabelled(segments: NDArray[np.uint32]) -> NDArray[np.uint32]:
    values, inverse = np.unique(segments, return_inverse=True)
    first = 0 if values[0] == 0 else 1
    return (inverse + first).astype(np.uint32).reshape(segments.shape)
