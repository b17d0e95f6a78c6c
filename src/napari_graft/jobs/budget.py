"""The one budget: what may be spent on learning from the annotated tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from napari_graft.jobs.base import A, ProjectRequest

if TYPE_CHECKING:
    from napari_graft.session.training.fitting import Budget

DEFAULT_SECONDS = 120.0


class LearnRequest(ProjectRequest[A], Generic[A]):
    """What a job that learns from the annotated tiles of a project is asked for.

    Parameters
    ----------
    seconds, steps
        How long, or whichever comes first; two minutes where neither is given.
    device
        ``auto``, ``cpu`` or ``cuda``.
    seed
        Decides patches and augmentation.
    stops_when_flat
        Whether it ends early once the held-out loss no longer falls.
    is_delegate
        Whether another process holds the project for writing and lets this one train; see `open_delegate`.
    """

    seconds: float | None = None
    steps: int | None = None
    device: str = "auto"
    seed: int = 0
    stops_when_flat: bool = False
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

        seconds = DEFAULT_SECONDS if self.seconds is None and self.steps is None else self.seconds
        return Budget(seconds, self.steps, self.device, self.seed, self.stops_when_flat)
