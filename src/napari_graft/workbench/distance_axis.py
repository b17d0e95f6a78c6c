"""The axis of a plot of distances that may span decades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

NULL_BAND = 2.0
"""Distances up to this many deviations are what chance explains."""
_LOG_FROM = 30.0
_LINEAR_SHARE = 0.7
"""Length of the linear part, from 0 to `NULL_BAND`, in decades."""


@dataclass(frozen=True, slots=True)
class DistanceAxis:
    """Axis of distances.

    Parameters
    ----------
    is_logarithmic
        Whether what lies beyond chance is on a logarithmic scale.
    low, high
        Smallest and largest distance that the axis shows.
    ticks
        Distances to mark.
    """

    is_logarithmic: bool
    low: float
    high: float
    ticks: tuple[float, ...]

    def position(self, z: float) -> float:
        """Return where on the axis a distance lies."""
        if not self.is_logarithmic:
            return z
        if abs(z) <= NULL_BAND:
            return _LINEAR_SHARE * z / NULL_BAND
        return math.copysign(_LINEAR_SHARE + math.log10(abs(z) / NULL_BAND), z)


def distance_axis(values: Sequence[float]) -> DistanceAxis:
    """Return an axis that shows chance and all finite values, logarithmic beyond it where one is large."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min([-NULL_BAND, *finite]), max([NULL_BAND, *finite])
    if max(-low, high) > _LOG_FROM:
        low, high = 1.6 * low, 1.6 * high
        decades = [sign * 10.0**n for n in range(1, 8) for sign in (-1, 1)]
        marks = [0.0, -NULL_BAND, NULL_BAND, *decades]
        return DistanceAxis(True, low, high, tuple(sorted(one for one in marks if low <= one <= high)))
    low, high = low - 0.5, high + 0.5
    step = 5 if high <= 16 else 10
    marks = [-NULL_BAND, NULL_BAND, *(float(one) for one in range(0, math.ceil(high), step))]
    return DistanceAxis(False, low, high, tuple(sorted(set(marks))))
