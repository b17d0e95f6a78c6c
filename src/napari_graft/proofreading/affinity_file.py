"""The affinities of a region in a file, for a tool in another process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.io import atomic
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.proofreading.affinity_map import AffinityMap


def save_affinities(path: Path, affinities: AffinityMap) -> None:
    """Write affinities to a safetensors file, as float16.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    with atomic.storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    words = {"start": json.dumps(affinities.tile.start), "offsets": json.dumps(list(affinities.offsets))}
    save_tensors(path, {"affinities": affinities.values.astype(np.float16)}, words)


def load_affinities(path: Path) -> AffinityMap:
    """Read what `save_affinities` wrote.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    tensors, words = load_tensors(path)
    try:
        values, start = tensors["affinities"].astype(np.float32), tuple(json.loads(words["start"]))
        return AffinityMap(values, [tuple(offset) for offset in json.loads(words["offsets"])], start)
    except (KeyError, ValueError, TypeError):
        raise InputError(f"{str(path)!r} holds no affinities: remove it, so that it is made anew") from None
