"""Intervals of means over few contests."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

LEVEL = 0.95


def mean_interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the interval that holds the true mean with 95 %, by Student's t; None for fewer than two values.

    Examples
    --------
    >>> low, high = mean_interval([0.1, 0.2, 0.3])
    >>> round(low, 3), round(high, 3)
    (-0.048, 0.448)
    """
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return None, None
    half = float(t.ppf((1 + LEVEL) / 2, n - 1)) * stdev(values) / n**0.5
    mean = fmean(values)
    return mean - half, mean + half
