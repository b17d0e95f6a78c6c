"""Write the source of a network that another program made."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from napari_graft.io.weights import save_tensors
from napari_graft.sources.archive import CARD, WEIGHTS
from napari_graft.sources.card import SourceCard
from napari_graft.sources.document import write_document
from napari_graft.sources.source import Source, open_source
from napari_graft.sources.torchscript import TENSOR


def write_foreign_source(folder: Path, card: SourceCard, program: bytes) -> Source:
    """Write a source whose weights are a TorchScript program that was checked, and open it.

    The program lies in the safetensors file as one array of bytes: so all sources consist of the same files.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    save_tensors(folder / WEIGHTS, {TENSOR: np.frombuffer(program, np.uint8)}, {})
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    write_document(folder / CARD, card.model_copy(update={"weights_sha256": digest}))
    return open_source(folder, "file")
