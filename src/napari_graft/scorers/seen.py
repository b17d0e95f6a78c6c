"""Cached features before the last layer of a network, on annotated tiles: all below it runs once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Prediction, probabilities_of
from napari_graft.nets.padding import pad_to_stride
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.sighting import ComputeContext
from napari_graft.training.examples import Example, near_labels


@dataclass(frozen=True, slots=True)
class HeadFeatures:
    """Cached features before the head, with the annotation.

    Parameters
    ----------
    activation
        Input of the head, (1, widths[0], *spatial / fold), rounded up.
    example
        The image and its annotation in the same place, (*spatial).
    """

    activation: torch.Tensor
    example: Example


@torch.no_grad()
def compute_head_features(network: ResidualUNet, example: Example, compute: ComputeContext) -> HeadFeatures:
    """Return the features before the head for an example: of a volume only near the labels.

    Raises
    ------
    Cancelled
        Before the network runs, when asked to stop.
    """
    compute.cancel.raise_if_cancelled()
    near = near_labels(example, "both")
    image = torch.from_numpy(near.image)[None, None].to(compute.device)
    activation = network.decode(network.encode(pad_to_stride(image, network.spec.total_stride)))
    return HeadFeatures(activation, near)


@torch.no_grad()
def predict_from_features(network: ResidualUNet, features: HeadFeatures) -> Prediction:
    """Return the prediction of the head of a network from its cached features."""
    shape = features.example.image.shape
    probabilities = probabilities_of(network.apply_head(features.activation), shape)
    return Prediction(Tile((0,) * len(shape), shape), probabilities[0], probabilities[1:])
