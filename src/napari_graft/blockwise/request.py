"""What was asked for, as a few characters: only a result of the same request is gone on with."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

from napari_graft.blockwise.plan import BlockPlan
from napari_graft.core.checksum import checksum_of
from napari_graft.inference.predictor import OVERLAP, WINDOW, Predictor
from napari_graft.inference.view import ModelView
from napari_graft.segmentation.settings import DecodeSettings

_METHOD = 4
"""To be raised when the same request would give another result."""


def hash_request(
    predictor: Predictor, view: ModelView, settings: DecodeSettings, plan: BlockPlan, has_uncertainty: bool
) -> str:
    """Return the SHA-256 of all that decides the result: weights, image, grey range, settings and blocks.

    The pixels of the image are not in it: each finished block knows those that it was made of.
    """
    ndim = view.spec.ndim
    asked = {
        "method": _METHOD,
        "spec": view.spec.model_dump(mode="json"),
        "weights": _hash_weights(predictor),
        "image": [list(view.volume.shape), str(view.volume.dtype), asdict(view.volume.axes)],
        "intensity": asdict(view.intensity),
        "object_diameter": view.object_diameter,
        "settings": asdict(settings),
        "plan": asdict(plan),
        "windows": [WINDOW[ndim], OVERLAP[ndim]],
        "uncertainty": has_uncertainty,
    }
    if view.volume.no_data is not None:  # so that unfinished results of all other images are gone on with
        asked["no_data"] = view.volume.no_data
    return checksum_of(asked)


def _hash_weights(predictor: Predictor) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(predictor.network.stored_weights().items()):
        digest.update(f"{name} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()
