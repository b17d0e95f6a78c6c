"""One step of learning a bridge, as its losses see it: patches of pairs and target, and what networks say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from napari_graft.nets.residual_unet import ResidualUNet


@dataclass(frozen=True)
class BridgeStep:
    """Patches of one step, and what the networks make of them, computed when a loss first asks.

    Parameters
    ----------
    network
        What is learned: the source with its translator, of which perhaps the translator alone changes.
    source
        The source, which stays as it is and saw images of its own modality.
    teacher
        What the student learns from, with its translator; None while the translator is learned.
    target
        Patches of the user's image, (N, 1, *patch).
    pair_target, pair_source
        Patches of pairs, (M, 1, *patch): the same places in the modality of the image and of the source.
    foreground
        Share of an image that the objects usually fill, 0 to 1.
    """

    network: ResidualUNet
    source: ResidualUNet
    target: torch.Tensor
    pair_target: torch.Tensor
    pair_source: torch.Tensor
    foreground: float
    teacher: ResidualUNet | None = None

    @cached_property
    def translated_pairs(self) -> torch.Tensor:
        """Patches of the pairs in the target's modality, translated."""
        return self.network.translate(self.pair_target)

    @cached_property
    def translated_target(self) -> torch.Tensor:
        """Patches of the target, translated."""
        return self.network.translate(self.target)

    @cached_property
    def activations(self) -> list[torch.Tensor]:
        """Activations of every level of the network on the target."""
        return self.network.encode(self.target)

    @cached_property
    def logits(self) -> torch.Tensor:
        """Logits of the network on the target, (N, 1 + n_offsets, *patch)."""
        return self.network.apply_head(self.network.decode(self.activations)).float()

    @cached_property
    def teacher_logits(self) -> torch.Tensor:
        """Logits of the teacher on the target; the source's where there is none. They have no gradient."""
        with torch.no_grad():
            logits: torch.Tensor = (self.teacher or self.source)(self.target)
            return logits.float()

    @cached_property
    def pair_features(self) -> list[torch.Tensor]:
        """Activations of the network on the pairs, in the target's modality."""
        return self.network.encode(self.pair_target)

    @cached_property
    def source_features(self) -> list[torch.Tensor]:
        """Activations of the source on the pairs, in its own modality; they have no gradient."""
        with torch.no_grad():
            return self.source.encode(self.pair_source)
