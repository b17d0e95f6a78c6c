"""The interface of a replay stream, which keeps the head in step with the encoder; and replay of labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from napari_graft.core.progress import CancelToken, Report, ignore_progress
from napari_graft.nets.device import mixed_precision
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.fingerprint import Fingerprint
from napari_graft.training.examples import Example
from napari_graft.training.losses import make_targets, masked_loss
from napari_graft.training.patches import Augmentation, PatchSampler
from napari_graft.training.unlabelled import Images


@dataclass(frozen=True, slots=True)
class ReplayContext:
    """Replay context: what streams are made of.

    Parameters
    ----------
    source
        The source as it came; streams take copies of it.
    images
        The unlabelled images, on the grid of the source.
    patch
        Shape of a patch.
    structure
        What is to be segmented, None where that is not known.
    examples
        What the user has labelled; what is held out of it is not to be learned from.
    common
        The encoder that all sources share, with the scale of its features; None where it is not at hand.
    seed
        Decides what is drawn while a stream is made.
    report, cancel
        Progress, and the token that stops the work.
    """

    source: ResidualUNet
    images: Images
    patch: tuple[int, ...]
    structure: str | None = None
    examples: Sequence[Example] = ()
    common: tuple[ResidualUNet, Fingerprint] | None = None
    seed: int = 0
    report: Report = ignore_progress
    cancel: CancelToken = field(default_factory=CancelToken)


class ReplayStream(ABC):
    """Supervision of the whole network. It keeps nothing that a resumed pretraining could not draw again."""

    @abstractmethod
    def loss(self, network: ResidualUNet, batch_size: int, rng: np.random.Generator) -> torch.Tensor:
        """Return the loss on a batch drawn from `rng` alone, on the device of the network."""


Replay = Callable[[ReplayContext], ReplayStream]
"""Makes a stream. It raises `InputError` where there is nothing to replay, and `Cancelled` when asked to."""


class LabelledReplay(ReplayStream):
    """Replay of labelled images.

    Parameters
    ----------
    examples
        On the grid of the source; only what may be trained on is learned from.
    patch
        Shape of a patch.
    """

    def __init__(self, examples: Sequence[Example], patch: tuple[int, ...]) -> None:
        self._examples = examples
        self._patch = patch
        self._samplers: dict[tuple[int, torch.device], PatchSampler] = {}

    def loss(self, network: ResidualUNet, batch_size: int, rng: np.random.Generator) -> torch.Tensor:
        """Return the masked loss of training."""
        device = next(network.parameters()).device
        batch = self._sampler(batch_size, device).draw(rng)
        with mixed_precision(device):
            logits = network(batch.image)
        return masked_loss(logits.float(), make_targets(batch.annotation, network.spec.offsets))

    def _sampler(self, batch_size: int, device: torch.device) -> PatchSampler:
        key = (batch_size, device)
        if key not in self._samplers:
            self._samplers.clear()  # one at a time: each holds the images on its device
            self._samplers[key] = PatchSampler(
                self._examples, self._patch, batch_size, device, Augmentation()
            )
        return self._samplers[key]


def replay_labelled(context: ReplayContext) -> ReplayStream:
    """Return the replay of what the user has labelled.

    Raises
    ------
    InputError
        If that is nothing.
    """
    stream = LabelledReplay(context.examples, context.patch)
    stream._sampler(1, torch.device("cpu"))  # refuses what holds no label
    return stream
