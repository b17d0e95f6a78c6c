"""Making fingerprints: in the encoder of a source, and in the one that all sources share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.fingerprints.distance import draw_null
from napari_graft.fingerprints.mmd import check_value, draw_random_features, median_bandwidth
from napari_graft.inference.features import tile_features
from napari_graft.nets.build import load_network, trainable
from napari_graft.sources.catalogue import ANCESTOR, Catalogue
from napari_graft.sources.fingerprint import Fingerprint

if TYPE_CHECKING:
    import torch

    from napari_graft.nets.residual_unet import ResidualUNet


NULL_SIZES = (4, 8, 16, 32, 64)
N_DRAWS = 200
# A feature that hardly varies in the source would otherwise count for more than all the others together.
SMALLEST_SCALE = 0.1


def make_fingerprint(
    features: NDArray[np.float32],
    groups: Sequence[int | str] | None,
    encoder: str,
    rng: np.random.Generator,
    *,
    like: Fingerprint | None = None,
) -> Fingerprint:
    """Sum up the training tiles of a source: mean embedding, bandwidth, and null distributions.

    Parameters
    ----------
    features
        Features of the tiles, float32 (n, d), n at least 8. The size of the result does not depend on n: a
        few hundred tiles spread over all the images make a quiet fingerprint.
    groups
        Image, field or block that each tile comes from, one value a tile; None if each stands for itself. For
        a single volume give blocks of it (some slices each), because neighbours resemble each other;
        `draw_null` says what they are for.
    encoder
        SHA-256 of the weights that made the features.
    rng
        What draws the seed of the random features and the null distributions.
    like
        A fingerprint of the same encoder, whose standardisation, bandwidth and random features are used:
        mean embeddings of fingerprints made alike can be compared with one another. By default they are this
        source's own.

    Returns
    -------
    fingerprint
        With nulls at those `NULL_SIZES` that are at most half of n.

    Notes
    -----
    Features are standardised by the source's own mean and standard deviation: the channels of a network
    differ in scale tenfold and more, and a few of them would decide every distance. Deviations below
    `SMALLEST_SCALE` of the median one count as that. On the deepest features of a network trained on EM
    membranes, standardising left the order of eight image sets nearly as it was and set light microscopy
    farther apart from the EM sets.

    Raises
    ------
    InputError
        If there are too few tiles, groups do not fit, or features are not finite or all the same.
    """
    _check(features, groups)
    space = _own_space(features, rng) if like is None else _space_of(like)
    drawn = draw_random_features(features.shape[1], space.bandwidth, space.seed)
    embedded = drawn.embed((features.astype(np.float64) - space.location) / space.scale)
    n = len(features)
    group_of = np.arange(n) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    sizes = tuple(m for m in NULL_SIZES if 2 * m <= n)
    return Fingerprint(
        encoder=encoder,
        n=n,
        bandwidth=space.bandwidth,
        location=space.location,
        scale=space.scale,
        seed=space.seed,
        check=check_value(drawn),
        mean_embedding=embedded.mean(axis=0).astype(np.float32),
        null_sizes=sizes,
        null_draws=np.stack([draw_null(embedded, group_of, m, N_DRAWS, rng) for m in sizes]).astype(
            np.float32
        ),
    )


@dataclass(frozen=True, slots=True)
class _Space:
    """How features become random features; see `Fingerprint`."""

    location: NDArray[np.float32]
    scale: NDArray[np.float32]
    bandwidth: float
    seed: int


def _own_space(features: NDArray[np.float32], rng: np.random.Generator) -> _Space:
    location = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    scale = _scale(features)
    bandwidth = median_bandwidth((features.astype(np.float64) - location) / scale)
    return _Space(location, scale, bandwidth, int(rng.integers(2**31)))


def _space_of(fingerprint: Fingerprint) -> _Space:
    return _Space(fingerprint.location, fingerprint.scale, fingerprint.bandwidth, fingerprint.seed)


def _check(features: NDArray[np.float32], groups: Sequence[int | str] | None) -> None:
    if features.ndim != 2 or len(features) < 2 * NULL_SIZES[0]:
        raise InputError(
            f"features of shape {features.shape} make no fingerprint: give (tiles, features) with at least "
            f"{2 * NULL_SIZES[0]} tiles"
        )
    if not np.isfinite(features).all():
        raise InputError(
            "some features of the training tiles are NaN or infinite: check the network and the images"
        )
    if groups is not None and len(groups) != len(features):
        raise InputError(f"{len(groups)} groups for {len(features)} tiles: give one group for each tile")


def _scale(features: NDArray[np.float32]) -> NDArray[np.float32]:
    deviation = features.std(axis=0, dtype=np.float64)
    varying = deviation[deviation > 0]
    if varying.size == 0:
        raise InputError(f"the features of {len(features)} tiles are all the same: give images that differ")
    floored: NDArray[np.float64] = np.maximum(deviation, SMALLEST_SCALE * np.median(varying))
    return floored.astype(np.float32)


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
