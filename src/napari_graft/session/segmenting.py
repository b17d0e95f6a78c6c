"""Segment single tiles, as previews, comparisons and the demo need them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.blockwise.plan import HALO
from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.uncertainty import uncertainty_map
from napari_graft.nets.device import choose_device
from napari_graft.project.project import Project
from napari_graft.segmentation.decode import decode
from napari_graft.session.models import Model
from napari_graft.session.views import view_of


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
