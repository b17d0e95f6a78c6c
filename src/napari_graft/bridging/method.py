"""The interface of a bridge method: what it is given, and what it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from napari_graft.bridging.pairs import Image, Pair
from napari_graft.core.progress import CancelToken, Report
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.config import TrainConfig, TrainResult

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class BridgeData:
    """What a bridge is learned from; nothing in it is labelled.

    Parameters
    ----------
    pairs
        Fields in both modalities.
    target
        Tiles of the user's image, normalised, float32 (*spatial), as the network of the source sees it.
    inverted
        Whether the best view of the untouched source is the negative of the image.
    foreground
        Share of an image that the objects usually fill, 0 to 1.
    decode
        How the answer of the source becomes objects.
    as_it_is
        Specification of the source before it was shown another stain or scale of the image, None where it is
        shown the image as it is.
    """

    pairs: Sequence[Pair]
    target: Sequence[Image]
    inverted: bool
    foreground: float
    decode: DecodeSettings
    as_it_is: ModelSpec | None = None

    def negative(self) -> BridgeData:
        """Return the same, with everything in the modality of the target shown as its negative."""
        pairs = [replace(pair, target=-pair.target) for pair in self.pairs]
        return replace(self, pairs=pairs, target=[-image for image in self.target], inverted=False)


@dataclass(frozen=True, slots=True)
class BridgeStates:
    """Files of an unfinished bridge, from which it goes on; None where nothing is kept.

    Parameters
    ----------
    learning
        State of the first half, the translator.
    learned
        Weights at the end of the first half.
    student
        State of the second half.
    """

    learning: Path | None = None
    learned: Path | None = None
    student: Path | None = None


@dataclass(frozen=True, slots=True)
class BridgeContext:
    """Bridge context: what a method learns from, and within which budget.

    Parameters
    ----------
    data
        Pairs and target.
    config
        Budget and recipe of all of it.
    device
        Where to learn.
    states
        Where it goes on from.
    report, cancel
        Progress, and the token that stops the work, which keeps what was learned so far.
    """

    data: BridgeData
    config: TrainConfig
    device: torch.device
    states: BridgeStates
    report: Report
    cancel: CancelToken


@dataclass(frozen=True, slots=True)
class Bridged:
    """Bridged source.

    Parameters
    ----------
    network
        With its translator inside, where the method has one.
    training
        How it was learned, None where nothing was.
    note
        What a person should know, empty where there is nothing to say.
    """

    network: ResidualUNet
    training: TrainResult | None
    note: str = ""


class BridgeMethod(Protocol):
    """Method of bridging a source to another modality."""

    @property
    def needs_suitable_pairs(self) -> bool:
        """Whether it learns from the pairs, so that unsuitable ones are refused before."""
        ...

    def bridge(self, source: ResidualUNet, context: BridgeContext) -> Bridged:
        """Return a network that sees the target; the source stays as it is.

        Raises
        ------
        InputError
            If there is nothing to learn from.
        """
        ...
