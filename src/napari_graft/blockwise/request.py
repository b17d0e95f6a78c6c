"""What was asked for, as a few characters: only a result of the same request is gone on with."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

from napari_graft.blockwise.plan import BlockPlan
from napari_graft.core.checksum import checksum_of
from napari_graft.inference.predictor import OVERLAP, WINDOW, Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io.volume import Volume
from napari_graft.segmentation.settings import DecodeSettings

_METHOD = 1
"""To be raised when the same request would give another result."""


def hash_request(
    predictor: Predictor, view: ModelView, settings: DecodeSettings, plan: BlockPlan, has_uncertainty: bool
) -> str:
    """Return the SHA-256 of all that decides the result: weights, image, grey range, settings and blocks.

    An image is known by its path, size and date, because it may be too large to be read for this.
    """
    ndim = view.spec.ndim
    asked = {
        "method": _METHOD,
        "spec": view.spec.model_dump(mode="json"),
        "weights": _hash_weights(predictor),
        "image": _describe(view.volume),
        "intensity": asdict(view.intensity),
        "settings": asdict(settings),
        "plan": asdict(plan),
        "windows": [WINDOW[ndim], OVERLAP[ndim]],
        "uncertainty": has_uncertainty,
    }
    return checksum_of(asked)


def _hash_weights(predictor: Predictor) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(predictor.network.stored_weights().items()):
        digest.update(f"{name} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _describe(volume: Volume) -> list[object]:
    written = None
    if volume.path is not None and Path(volume.path).is_file():
        status = Path(volume.path).stat()
        written = [status.st_size, status.st_mtime_ns]
    return [volume.path, written, list(volume.shape), str(volume.dtype), asdict(volume.axes)]
