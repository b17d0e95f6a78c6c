"""Intervals and tests for means and differences that were measured on several targets with several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray

N_RESAMPLES = 5000
LEVEL = 0.95
_POWER = 1.96 + 0.84
"""Standard errors that an effect must have to be found at 5 % (two-sided) in four of five studies."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean difference with its uncertainty.

    Parameters
    ----------
    mean
        Mean over the targets of the means over their seeds.
    low, high
        95 % interval.
    p
        Two-sided: twice the share of resamples on the other side of 0.
    smallest_visible
        Effect that would be found in four of five studies like this one.
    """

    mean: float
    low: float
    high: float
    p: float
    smallest_visible: float

    @property
    def leaves_zero_out(self) -> bool:
        """Whether the interval does not hold 0."""
        return self.low > 0 or self.high < 0


def hierarchical_bootstrap(
    differences: Sequence[Sequence[float]], rng: np.random.Generator, n: int = N_RESAMPLES
) -> Interval:
    """Return the mean of paired differences with a bootstrap interval over targets and seeds.

    Targets are drawn with replacement, and of each of them its seeds: the seeds of one target are not
    independent evidence of what holds on others.

    Parameters
    ----------
    differences
        For each target the differences of its seeds; none of them empty.
    rng
        Draws the resamples.
    n
        Number of resamples.

    References
    ----------
    Davison and Hinkley, Bootstrap methods and their application, 1997, section 3.8.
    """
    values = [np.asarray(one, np.float64) for one in differences]
    own = np.stack([_resampled_means(one, rng, n) for one in values])
    drawn = rng.integers(len(values), size=(n, len(values)))
    means = own[drawn, np.arange(n)[:, None]].mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    below, above = ((means <= 0).sum() + 1) / (n + 1), ((means >= 0).sum() + 1) / (n + 1)
    return Interval(
        mean=float(np.mean([one.mean() for one in values])),
        low=float(low),
        high=float(high),
        p=float(min(1.0, 2 * min(below, above))),
        smallest_visible=float(_POWER * means.std()),
    )


def _resampled_means(values: NDArray[np.float64], rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return np.asarray(values[rng.integers(values.size, size=(n, values.size))].mean(axis=1))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p values adjusted for the number of tests, by name.

    References
    ----------
    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics, 1979.
    """
    adjusted: dict[str, float] = {}
    largest = 0.0
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p))
        adjusted[name] = largest
    return adjusted


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
