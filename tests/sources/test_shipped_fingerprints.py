"""What the shipped sources remember of their images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_graft.fingerprints.fingerprint import N_DRAWS, NULL_SIZES
from napari_graft.fingerprints.random_features import N_NUMBERS
from napari_graft.io.weights import load_tensors
from napari_graft.sources.archive import FINGERPRINT, GENERAL
from napari_graft.sources.catalogue import ANCESTOR, Catalogue
from napari_graft.sources.source import Source

SOURCES = [source for source in Catalogue().sources() if source.origin in ("built-in", "repository")]
LARGEST = 200_000
"""Bytes of both fingerprints of a source together."""


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
