"""Score one label image against another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume
from napari_graft.metrics import evaluate


def evaluate_pair(found: Volume, truth: Volume, *, per_slice: bool = False) -> dict[str, Any]:
    """Return the scores of a segmentation against a truth, both label images that fit into memory.

    Raises
    ------
    InputError
        If their shapes differ, or the truth holds no object.
    """
    if found.shape != truth.shape:
        raise InputError(
            f"the segmentation has shape {found.shape}, the truth {truth.shape}: give images of one shape"
        )
    by_slice = per_slice and len(found.shape) == 3
    return evaluate(_whole(found, by_slice), _whole(truth, by_slice), per_slice=per_slice).as_dict()


def _whole(labels: Volume, by_slice: bool) -> NDArray[np.uint32]:
    """Return all labels; those of a mask are numbered for each box, so that slices are read one by one."""
    shape = labels.shape
    if not by_slice:
        return labels.read_raw(Tile((0,) * len(shape), shape)).astype(np.uint32)
    slices = [labels.read_raw(Tile((z, 0, 0), (1, *shape[1:]))) for z in range(shape[0])]
    return np.concatenate(slices).astype(np.uint32)
