"""The best view of an image for a source: gain, offset and sign, which need no learning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.bridging.pairs import Pair
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.network_spec import TranslatorSpec

_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class GreyView:
    """GreyView of an image, ``gain x + offset``."""

    gain: float
    offset: float


def view_of_pairs(pairs: Sequence[Pair]) -> GreyView:
    """Return the view in which the target's modality has mean and spread of the source's, and its sign.

    The sign is that of the correlation over all pixels of the pairs. Its size is no least-squares gain, which
    would flatten an image towards its mean where the two modalities have little in common.
    """
    a, b = pixels_of(pairs)
    sign = -1.0 if float(np.mean((a - a.mean()) * (b - b.mean()))) < 0 else 1.0
    gain = sign * float(b.std()) / max(float(a.std()), _LEAST_SPREAD)
    return GreyView(gain, float(b.mean()) - gain * float(a.mean()))


def pixels_of(pairs: Sequence[Pair]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all pixels of pairs: of the target's modality, and of the source's."""
    target = np.concatenate([pair.target.ravel() for pair in pairs]).astype(np.float64)
    return target, np.concatenate([pair.source.ravel() for pair in pairs]).astype(np.float64)


def least_squares(pairs: Sequence[Pair]) -> GreyView:
    """Return the view that explains most of the source's modality: what the best of all views can do."""
    a, b = pixels_of(pairs)
    variance = float(a.var())
    gain = float(np.mean((a - a.mean()) * (b - b.mean()))) / variance if variance else 0.0
    return GreyView(gain, float(b.mean()) - gain * float(a.mean()))


def with_translator(
    source: ResidualUNet, view: GreyView, shape: TranslatorSpec | None = None, *, seed: int = 0
) -> ResidualUNet:
    """Return a copy of a source behind a translator that begins as a view.

    A source that was bridged before loses its translator: it is bridged anew.

    Parameters
    ----------
    shape
        Shape of the translator, by default that of `TranslatorSpec`.
    seed
        Draws the weights of its residual.
    """
    spec = source.spec.model_copy(update={"translator": shape or TranslatorSpec()})
    network = build_network(spec, seed=seed)
    known = {name: value for name, value in source.state_dict().items() if not name.startswith("translator.")}
    network.load_state_dict({**network.state_dict(), **known})
    assert network.translator is not None
    with torch.no_grad():
        network.translator.gain.fill_(view.gain)
        network.translator.offset.fill_(view.offset)
    return network


def copy_of(network: ResidualUNet) -> ResidualUNet:
    """Return a copy of a network."""
    return build_network(network.spec, network.stored_weights())
