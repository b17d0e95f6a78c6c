"""Segment single tiles, as previews, comparisons and the demo need them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Predictor
from napari_graft.nets.device import choose_device
from napari_graft.project.project import Project
from napari_graft.segmentation.decode import decode
from napari_graft.session.models import Model
from napari_graft.session.views import view_of

CONTEXT = 48


def segment_tiles(
    project: Project, model: Model, tiles: Sequence[Tile], *, device: str = "auto", cancel: CancelToken
) -> list[NDArray[np.uint32]]:
    """Return the segments of tiles that fit into memory, each of the shape of its tile, ids from 1 in each.

    Every tile is predicted with the image around it as context.

    Raises
    ------
    Cancelled
        Between two tiles, when asked to stop.
    """
    view = view_of(project, model.spec)
    predictor = Predictor(model.network, choose_device(device))
    halo = view.on_image((CONTEXT,) * model.spec.ndim)
    segments = []
    for tile in tiles:
        cancel.raise_if_cancelled()
        around = tile.grow(halo)
        prediction = predictor.predict(view, around, cancel)
        found = decode(prediction.foreground, prediction.affinities, model.spec.offsets, model.decode)
        inner = tile.shift([-a for a in around.start])
        segments.append(_relabelled(view.labels_to_image(found, around)[inner.slices]))
    return segments


def _relabelled(segments: NDArray[np.uint32]) -> NDArray[np.uint32]:
    values, inverse = np.unique(segments, return_inverse=True)
    first = 0 if values[0] == 0 else 1
    return (inverse + first).astype(np.uint32).reshape(segments.shape)
