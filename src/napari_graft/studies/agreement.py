"""How well a foretold order of the sources agrees with the true one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

FEWEST = 3
_TOP = 3


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of an order with the true one on one target.

    Parameters
    ----------
    n
        Number of sources in the order.
    rho
        Spearman's rank correlation, NaN where the order does not tell any two sources apart.
    regret
        By how much the source put first is worse than the best, as a share of the best's score.
    is_hit
        Share of the choices of three in this order that hold the best source, 0 or 1 where there is no tie.
    """

    n: int
    rho: float
    regret: float
    is_hit: float


def agree(foretold: Mapping[str, float], truth: Mapping[str, float]) -> Agreement | None:
    """Compare what was foretold of sources with their true quality, both higher is better.

    Only sources in both count; None with fewer than `FEWEST`. Where several sources share the first place,
    regret and hit are means over them.
    """
    names = sorted(foretold.keys() & truth.keys())
    if len(names) < FEWEST:
        return None
    x = np.array([foretold[name] for name in names])
    y = np.array([truth[name] for name in names])
    rank_x, rank_y = rankdata(x), rankdata(y)
    is_flat = np.ptp(rank_x) == 0 or np.ptp(rank_y) == 0
    rho = float("nan") if is_flat else float(np.corrcoef(rank_x, rank_y)[0, 1])
    best = float(y.max())
    # Quality is a negative VI or a positive AP: the share is taken of its size.
    regret = float(np.mean(best - y[x == x.max()]) / max(abs(best), 1e-9))
    return Agreement(len(names), rho, regret, _share_of_hits(x, int(y.argmax())))


def by_chance(truth: Mapping[str, float]) -> Agreement:
    """Return what a random order comes to in the mean."""
    y = np.array(list(truth.values()))
    best = float(y.max())
    return Agreement(len(y), 0.0, float((best - y).mean() / max(abs(best), 1e-9)), min(1.0, _TOP / len(y)))


def _share_of_hits(x: np.ndarray, best: int) -> float:
    """Return the chance that the source `best` is among the first three, ties broken at random."""
    n_better, n_equal = int((x > x[best]).sum()), int((x == x[best]).sum())
    return float(np.clip((_TOP - n_better) / n_equal, 0, 1))
