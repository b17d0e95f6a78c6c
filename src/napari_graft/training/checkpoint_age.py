"""How far the training was that left a checkpoint, told without loading it."""

from __future__ import annotations

import json
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.io.weights import load_metadata


def checkpoint_age(path: Path) -> tuple[int, float]:
    """Return the steps and seconds that a checkpoint's training had used; needs no torch.

    Raises
    ------
    InputError
        If the file is missing, damaged or no checkpoint.
    """
    try:
        record = json.loads(load_metadata(path)["training"])
        return int(record["steps"]), float(record["seconds"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path} is no checkpoint of a training: train anew") from None
