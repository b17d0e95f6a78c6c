from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_graft.io.documents import write_document
from napari_graft.io.weights import save_tensors
from napari_graft.sources.card import SourceCard
from napari_graft.sources.fingerprint import Fingerprint
from napari_graft.sources.network_spec import ModelSpec

WEIGHTS = {"stem.weight": np.linspace(-1, 1, 12, dtype=np.float16).reshape(3, 4), "n": np.array([7])}


def _fingerprint() -> Fingerprint:
    return Fingerprint(
        encoder="a" * 64,
        n=12,
        bandwidth=2.5,
        location=np.zeros(3, np.float32),
        scale=np.ones(3, np.float32),
        seed=0,
        check=0.25,
        mean_embedding=np.linspace(0, 1, 8, dtype=np.float32),
        null_sizes=(4,),
        null_draws=np.array([[0.0, 0.1, 0.2]], np.float32),
    )


@pytest.fixture
def weights() -> dict[str, np.ndarray]:
    return WEIGHTS


@pytest.fixture
def fingerprint() -> Fingerprint:
    return _fingerprint()


@pytest.fixture
def make_source() -> Callable[..., Path]:
    """Make a folder with a source: `make(parent, id, fingerprint=True, **fields of the card)`."""

    def make(parent: Path, source_id: str, *, fingerprint: bool = True, **fields: object) -> Path:
        folder = parent / source_id
        folder.mkdir(parents=True)
        save_tensors(folder / "weights.safetensors", WEIGHTS, {})
        if fingerprint:
            save_tensors(folder / "fingerprint.safetensors", _fingerprint().to_tensors(), {})
        card = {
            "id": source_id,
            "title": f"Source {source_id}",
            "structure": "neurites",
            "license": "MIT",
            "spec": ModelSpec(pixel_size=(4.0, 4.0)),
            "weights_sha256": hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest(),
        }
        write_document(folder / "card.json", SourceCard.model_validate(card | fields))
        return folder

    return make
