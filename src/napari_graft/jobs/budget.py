"""The one budget: what may be spent on a training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Generic

from napari_graft.jobs.base import A, FormUnit, ProjectRequest

if TYPE_CHECKING:
    from napari_graft.session.training.fitting import Budget

DEFAULT_SECONDS = 120.0
MINUTES = FormUnit("min", 60, smallest=0.1, largest=600)


class BudgetRequest(ProjectRequest[A], Generic[A]):
    """What a job that spends a budget of training on a project is asked for.

    Parameters
    ----------
    seconds
        How long at most; two minutes where neither a time nor steps are given.
    steps
        How many steps at most.
    device
        ``auto``, ``cpu`` or ``cuda``.
    seed
        Decides patches and augmentation.
    is_delegate
        Whether another process holds the project for writing and lets this one train; see `open_delegate`.
    """

    default_seconds: ClassVar[float] = DEFAULT_SECONDS

    seconds: Annotated[float | None, MINUTES] = None
    steps: int | None = None
    device: str = "auto"
    seed: int = 0
    is_delegate: bool = False

    @property
    def budget(self) -> Budget:
        """The same as the trainer takes it.

        Raises
        ------
        InputError
            If one of them is not positive, there is no such device, or the seed is negative.
        """
        from napari_graft.session.training.fitting import Budget

        seconds = self.default_seconds if self.seconds is None and self.steps is None else self.seconds
        return Budget(seconds, self.steps, self.device, self.seed)


class LearnRequest(BudgetRequest[A], Generic[A]):
    """What a job that learns from the annotated tiles of a project is asked for.

    Parameters
    ----------
    stops_when_flat
        Whether it ends early, once the held-out loss has not fallen for a third of the time so far.
    """

    stops_when_flat: bool = False

    @property
    def budget(self) -> Budget:
        """The same as the trainer takes it; see `BudgetRequest.budget`."""
        return replace(super().budget, stops_when_flat=self.stops_when_flat)
