"""Fingerprints in the one encoder that all sources share: sources compare with one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.fingerprints.fingerprint import make_fingerprint
from napari_graft.inference.features import tile_features
from napari_graft.nets.kinds import load_network, trainable
from napari_graft.sources.catalogue import ANCESTOR, Catalogue
from napari_graft.sources.fingerprint import Fingerprint

if TYPE_CHECKING:
    import torch

    from napari_graft.nets.residual_unet import ResidualUNet


def common_encoder(catalogue: Catalogue) -> tuple[ResidualUNet, Fingerprint] | None:
    """Return the network that all built-in sources descend from with its fingerprint, None without one.

    It has seen generated images only and favours no source. Its fingerprint sets the scale: features of all
    sources are standardised alike, and embedded by the same random features.
    """
    ancestor = next((source for source in catalogue.sources() if source.id == ANCESTOR), None)
    ruler = None if ancestor is None else ancestor.load_fingerprint()
    if ancestor is None or ruler is None:
        return None
    return trainable(load_network(ancestor.card.spec, ancestor.load_weights()), ancestor.id), ruler


def general_fingerprint(
    images: Iterable[NDArray[np.float32]],
    groups: Sequence[int | str] | None,
    catalogue: Catalogue,
    device: torch.device,
) -> Fingerprint | None:
    """Sum up normalised training tiles as the common encoder sees them; None where that is not at hand.

    Parameters
    ----------
    images, groups
        Tiles, and what each comes from; see `make_fingerprint`.
    catalogue
        Where the common ancestor is looked up.
    device
        Where it runs.
    """
    found = common_encoder(catalogue)
    if found is None:
        return None
    encoder, ruler = found
    features = tile_features(encoder, images, device)
    return make_fingerprint(features, groups, ruler.encoder, np.random.default_rng(0), like=ruler)
