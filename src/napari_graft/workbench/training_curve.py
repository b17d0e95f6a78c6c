"""The losses of a training over time, as a plot shows them."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.project.run import RunMoment

_SMOOTHING = 0.1
_MOST_POINTS = 2000


class TrainingCurve:
    """Curve of losses: that of the training smoothed, that of the held-out part as measured.

    Attributes
    ----------
    loss, held_out
        Points (minutes, loss).
    """

    def __init__(self) -> None:
        self.loss: list[tuple[float, float]] = []
        self.held_out: list[tuple[float, float]] = []
        self._smooth: float | None = None

    @classmethod
    def from_history(cls, history: Sequence[RunMoment]) -> TrainingCurve:
        """Return the curve of a training that ended."""
        curve = cls()
        for moment in history:
            minutes = moment.seconds / 60
            if moment.loss is not None:
                curve.loss.append((minutes, moment.loss))
            if moment.held_out is not None:
                curve.held_out.append((minutes, moment.held_out))
        return curve

    def add(self, minutes: float, loss: float, held_out: float | None) -> None:
        """Take over the losses of the moment; a held-out loss that is told again is no new point."""
        before = loss if self._smooth is None else self._smooth
        self._smooth = before + _SMOOTHING * (loss - before)
        self.loss.append((minutes, self._smooth))
        if len(self.loss) > _MOST_POINTS:
            # Half the points draw the same line.
            self.loss = self.loss[::2]
        if held_out is not None and (not self.held_out or self.held_out[-1][1] != held_out):
            self.held_out.append((minutes, held_out))

    def __bool__(self) -> bool:
        return bool(self.loss or self.held_out)
