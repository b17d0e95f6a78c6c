"""The interface of a merge method: its context and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from napari_graft.core.progress import CancelToken, Report
from napari_graft.merging.recipe import Shares
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.config import TrainConfig, TrainResult
from napari_graft.training.examples import Example
from napari_graft.training.losses import HeldOutLoss
from napari_graft.training.unlabelled import Images

if TYPE_CHECKING:
    import torch


class MergeTarget(Protocol):
    """The image that networks are merged for, read and measured when a method first asks."""

    def images(self) -> Images:
        """Return places of the image without labels, on the grid of the first network."""
        ...

    def distances(self) -> Sequence[float | None]:
        """Return the MMD² of the image from the training images of each member, None where not known.

        All are measured in one encoder: only then can they be compared.
        """
        ...


_STEPS_A_SECOND = 3.0


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
    target
        The image, None where there is none but the annotated tiles.
    judge
        Scores the objects that a network finds on the held-out part, higher is better; None for minus the
        loss there.
    """

    examples: Sequence[Example]
    config: TrainConfig
    device: torch.device
    checkpoint: Path | None
    report: Report
    cancel: CancelToken
    target: MergeTarget | None = None
    judge: Callable[[ResidualUNet], float] | None = None

    @property
    def n_steps(self) -> int:
        """Steps that the budget is about good for; a guess where it is one of time."""
        if self.config.max_steps is not None:
            return self.config.max_steps
        return max(1, round(_STEPS_A_SECOND * (self.config.time_budget or 0.0)))

    def images(self) -> Images:
        """Return places of the image without labels; the annotated tiles themselves where there are none."""
        found = self.target.images() if self.target is not None else ()
        return found or [example.image for example in self.examples]

    def score(self, network: ResidualUNet) -> float:
        """Return how good a network is on the held-out part, higher is better.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        if self.judge is not None:
            return self.judge(network)
        held_out = HeldOutLoss(self.examples, self.device)
        return -held_out(network.to(self.device).eval(), self.cancel) if held_out else 0.0


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
    def rate_after(self) -> float | None:
        """Learning rate of the training of the merged network, None for the usual one."""
        ...

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
