"""What the last layer of a network sees of annotated tiles: all below it runs once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Prediction, probabilities_of
from napari_graft.nets.padding import pad_to_stride
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.sighting import Workplace
from napari_graft.training.examples import Example, near_labels


@dataclass(frozen=True, slots=True)
class Seen:
    """Pair what the head sees with the annotation.

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
def see(network: ResidualUNet, example: Example, place: Workplace) -> Seen:
    """Return what the head sees of an example: of a volume only what is near the labels.

    Raises
    ------
    Cancelled
        Before the network runs, when asked to stop.
    """
    place.cancel.raise_if_cancelled()
    near = near_labels(example, "both")
    image = torch.from_numpy(near.image)[None, None].to(place.device)
    activation = network.climb(network.encode(pad_to_stride(image, network.spec.total_stride)))
    return Seen(activation, near)


@torch.no_grad()
def answer(network: ResidualUNet, seen: Seen) -> Prediction:
    """Return what the network says of what its head has seen."""
    shape = seen.example.image.shape
    probabilities = probabilities_of(network.answer(seen.activation), shape)
    return Prediction(Tile((0,) * len(shape), shape), probabilities[0], probabilities[1:])
