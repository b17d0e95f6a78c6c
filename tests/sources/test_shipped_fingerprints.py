"""What the shipped sources remember of their images."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_graft.core.errors import DamagedFileError
from napari_graft.fingerprints.fingerprint import N_DRAWS, NULL_SIZES
from napari_graft.fingerprints.mmd import N_NUMBERS
from napari_graft.io.weights import load_tensors
from napari_graft.sources.archive import CARD, FINGERPRINT, GENERAL
from napari_graft.sources.catalogue import ANCESTOR, Catalogue
from napari_graft.sources.source import Source, open_source

SOURCES = [source for source in Catalogue().sources() if source.origin in ("built-in", "repository")]
LARGEST = 200_000
"""Bytes of both fingerprints of a source together."""


@pytest.mark.parametrize("source", SOURCES, ids=[source.id for source in SOURCES])
def test_a_flipped_bit_in_a_card_or_a_fingerprint_is_noticed(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / source.id
    shutil.copytree(source.path, folder)
    for name in (CARD, FINGERPRINT, *([] if source.id == ANCESTOR else [GENERAL])):
        good = (folder / name).read_bytes()
        (folder / name).write_bytes(good[:-200] + bytes([good[-200] ^ 16]) + good[-199:])
        with pytest.raises(DamagedFileError, match="damaged"):
            copy = open_source(folder, "user")
            copy.load_fingerprint(), copy.load_general_fingerprint()
        (folder / name).write_bytes(good)


@pytest.mark.parametrize("source", SOURCES, ids=[source.id for source in SOURCES])
def test_a_fingerprint_holds_a_mean_and_its_null_alone_and_is_small(source: Source) -> None:
    names = [FINGERPRINT] if source.id == ANCESTOR else [FINGERPRINT, GENERAL]
    for name in names:
        encoder = source if name == FINGERPRINT else Catalogue().get(ANCESTOR)
        n_features = 2 * encoder.card.spec.widths[-1]
        tensors = {k.rpartition(".")[2]: v for k, v in load_tensors(source.path / name)[0].items()}
        n_sizes = len(tensors["null_sizes"])
        assert n_sizes <= len(NULL_SIZES)
        # Whatever the number of tiles was, there is one row for all of them and none for any of them.
        assert {key: value.shape for key, value in tensors.items()} == {
            "format_version": (),
            "encoder": (64,),
            "n": (),
            "bandwidth": (),
            "location": (n_features,),
            "scale": (n_features,),
            "seed": (),
            "check": (),
            "mean_embedding": (N_NUMBERS,),
            "null_sizes": (n_sizes,),
            "null_draws": (n_sizes, N_DRAWS),
        }
        assert int(tensors["n"]) > 1
        assert np.linalg.norm(tensors["mean_embedding"]) <= 1
    assert sum((source.path / name).stat().st_size for name in names) < LARGEST
