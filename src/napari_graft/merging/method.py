"""The interface of a merge method: its context and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from napari_graft.core.progress import CancelToken, Report
from napari_graft.merging.recipe import Shares
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.config import TrainConfig, TrainResult
from napari_graft.training.examples import Example

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class MergeContext:
    """Merge context: what a merge method learns from, and within which budget.

    Parameters
    ----------
    examples
        Annotated tiles, on the grid of the first network.
    config
        Budget and recipe.
    device
        Where to learn.
    checkpoint
        File for the state, gone on from where it exists, or None.
    report, cancel
        Progress, and the token that stops the work, which keeps the best so far.
    """

    examples: Sequence[Example]
    config: TrainConfig
    device: torch.device
    checkpoint: Path | None
    report: Report
    cancel: CancelToken


@dataclass(frozen=True, slots=True)
class Merged:
    """Merged network, with its shares.

    Parameters
    ----------
    network
        The one network.
    shares
        What it has of each.
    training
        How the shares were learned, None where they were not.
    """

    network: ResidualUNet
    shares: Shares
    training: TrainResult | None


class MergeMethod(Protocol):
    """Method of merging networks of one architecture whose channels are in one order."""

    @property
    def share_of_budget(self) -> float:
        """Which part of the budget it learns for; the rest trains the merged network."""
        ...

    def merge(self, members: Sequence[ResidualUNet], context: MergeContext) -> Merged:
        """Return one network; the members stay as they are.

        Raises
        ------
        InputError
            If it learns and no example holds a labelled pixel.
        """
        ...
