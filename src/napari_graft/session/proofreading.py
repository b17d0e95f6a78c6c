"""What a model says of the borders in a region, and which objects of a result may be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.blockwise.plan import HALO
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io import atomic, open_labels
from napari_graft.io.documents import write_document
from napari_graft.nets.device import choose_device
from napari_graft.project.project import Project
from napari_graft.project.proofreading import ProofreadingStore, UnfitEditsError
from napari_graft.project.suspicions import SuspicionList, SuspicionRecord
from napari_graft.proofreading.affinity_map import AffinityMap
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.reasons import suspicious_objects
from napari_graft.segmentation.mutex_watershed import Offset
from napari_graft.session.models import Model
from napari_graft.session.projects.project_image import view_of

MOST_PIXELS = 1 << 24
"""Of a region whose affinities are held in memory at once, about 1 GB with those of a network in 3-D."""


def predict_affinities(
    project: Project, model: Model, region: Tile, *, device: str = "auto", cancel: CancelToken
) -> AffinityMap:
    """Return the affinities of a region of the image, on its grid.

    Where the grid of the model is another one, they are resampled and the offsets rounded; the nearest
    neighbours stay those. A 2-D model says nothing of the next slice of a stack.

    Raises
    ------
    InputError
        If the region is outside the image, too large, or of several slices for a 2-D model.
    Cancelled
        When asked to stop.
    """
    if not region.is_inside(project.manifest.shape) or region.n_pixels > MOST_PIXELS:
        raise InputError(
            f"the region at {region.start} of shape {region.shape} is outside the image or has more than "
            f"{MOST_PIXELS:,} pixels: choose a smaller one"
        )
    view = view_of(project, model.spec, cancel)
    around = view.align(region.grow(view.on_image(HALO[model.spec.ndim])))
    inner = region.shift([-a for a in around.start]).slices
    prediction = Predictor(model.network, choose_device(device)).predict(view, around, cancel)
    offsets = _offsets_on_image(view, model.spec.offsets, model.spec.n_attractive)
    chosen = {offset: number for number, offset in reversed(list(enumerate(offsets))) if any(offset)}
    maps = [view.map_to_image(prediction.affinities[number], around)[inner] for number in chosen.values()]
    return AffinityMap(*_with_all_axes(np.stack(maps), list(chosen), region.shape), region.start)


def _offsets_on_image(view: ModelView, offsets: Sequence[Offset], n_nearest: int) -> list[tuple[int, ...]]:
    nearest = [tuple(offset) for offset in offsets[:n_nearest]]
    further = [
        tuple(round(o / factor) for o, factor in zip(offset, view.factors, strict=True))
        for offset in offsets[n_nearest:]
    ]
    return nearest + further


def _with_all_axes(
    values: NDArray[np.float32], offsets: list[tuple[int, ...]], shape: Sequence[int]
) -> tuple[NDArray[np.float32], list[tuple[int, ...]]]:
    """Return what a 2-D model says of one slice as what is known of a stack: of the next slice nothing."""
    order = sorted(range(len(offsets)), key=lambda i: sum(map(abs, offsets[i])) > 1)  # nearest ones first
    values, offsets = values[order], [offsets[i] for i in order]
    n_before = len(shape) - len(offsets[0])
    for _ in range(n_before):
        offsets = [(-1, *(0,) * len(offsets[0])), *((0, *offset) for offset in offsets)]
    nothing = np.zeros((n_before, *values.shape[1:]), np.float32)
    return np.concatenate([nothing, values]), offsets


MOST_SUSPICIONS = 500


@dataclass(frozen=True, slots=True)
class SuspicionOptions:
    """Request for the objects of a result that may be wrong.

    Parameters
    ----------
    labels
        File of the result; the edits that the project keeps of it are done on it.
    start
        Where in the image its first pixel lies.
    out
        File for what is found.
    other, previous
        Files of another result of the same pixels, and of that of the round before, to compare with as they
        are corrected; or None.
    device
        Where the network runs.
    """

    labels: Path
    start: tuple[int, ...]
    out: Path
    other: Path | None = None
    previous: Path | None = None
    device: str = "auto"


def find_suspicions(
    project: Project, model: Model | None, request: SuspicionOptions, *, report: Report, cancel: CancelToken
) -> SuspicionList:
    """Find objects that may be wrong, and write the list, the most gain first.

    Parameters
    ----------
    model
        Whose affinities say what is weak, or None: then only the shapes are looked at. They are left out as
        well where the result is too large for them, or the model is 2-D and the result a stack.

    Raises
    ------
    InputError
        If a file cannot be read.
    Cancelled
        When asked to stop.
    """
    report(Progress(0, 3, "reading the objects"))
    volume = open_labels(request.labels)
    whole = Tile((0,) * len(volume.shape), volume.shape)
    store = ProofreadingStore(project.folder, request.labels, writable=False)
    objects = ObjectMap(store.read_corrected(volume, report, cancel).labels, locked=store.read_state().locked)
    affinities = None
    if model is not None and model.spec.ndim == whole.ndim and prod(volume.shape) <= MOST_PIXELS:
        report(Progress(1, 3, f"looking at the borders with {model.name}"))
        region = whole.shift(request.start)
        found = predict_affinities(project, model, region, device=request.device, cancel=cancel)
        affinities = AffinityMap(found.values, found.offsets)
    report(Progress(2, 3, "looking for objects that may be wrong"))
    other, previous = (
        None if one is None else _read_corrected(project, one, report, cancel)
        for one in (request.other, request.previous)
    )
    cancel.raise_if_cancelled()
    suspicions = suspicious_objects(objects, affinities, other, previous=previous)
    records = tuple(map(SuspicionRecord.of, suspicions[:MOST_SUSPICIONS]))
    listed = SuspicionList(suspicions=records, has_affinities=affinities is not None)
    with atomic.storage_errors(request.out):
        request.out.parent.mkdir(parents=True, exist_ok=True)
    write_document(request.out, listed)
    return listed


def _read_corrected(
    project: Project, labels: Path, report: Report, cancel: CancelToken
) -> NDArray[np.uint32]:
    """Return another result with what was corrected of it, as it is where its edits fit no more."""
    volume = open_labels(labels)
    try:
        return (
            ProofreadingStore(project.folder, labels, writable=False)
            .read_corrected(volume, report, cancel)
            .labels
        )
    except UnfitEditsError:
        whole = Tile((0,) * len(volume.shape), volume.shape)
        return np.asarray(volume.read_raw(whole)).astype(np.uint32)
