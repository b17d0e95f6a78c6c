"""How far an order agrees with the true one, and how sure its regret is: intervals over collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from napari_graft.studies.bootstrap import hierarchical_bootstrap
from napari_graft.studies.targets import collection_of

FEWEST = 3
_N_FIRST = 3


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
        By how much the source put first is worse than the best of all, as a share of the best's score.
    is_hit
        Share of the choices of three in this order that hold the best source, 0 or 1 where there is no tie.
    """

    n: int
    rho: float
    regret: float
    is_hit: float


def agree(foretold: Mapping[str, float], truth: Mapping[str, float]) -> Agreement | None:
    """Compare what was foretold of sources with their true quality, both higher is better.

    Only sources in both are in the order; None with fewer than `FEWEST`. The best is that of the truth: an
    order that leaves it out cannot put it first. Where several sources share the first place, regret and hit
    are means over them.
    """
    names = sorted(foretold.keys() & truth.keys())
    if len(names) < FEWEST:
        return None
    x = np.array([foretold[name] for name in names])
    y = np.array([truth[name] for name in names])
    rank_x, rank_y = rankdata(x), rankdata(y)
    is_flat = np.ptp(rank_x) == 0 or np.ptp(rank_y) == 0
    rho = float("nan") if is_flat else float(np.corrcoef(rank_x, rank_y)[0, 1])
    best_name = max(truth, key=lambda name: truth[name])
    best = float(truth[best_name])
    # Quality is a negative VI or a positive AP: the share is taken of its size.
    regret = float(np.mean(best - y[x == x.max()]) / max(abs(best), 1e-9))
    hit = _share_of_hits(x, names.index(best_name)) if best_name in names else 0.0
    return Agreement(len(names), rho, regret, hit)


def by_chance(truth: Mapping[str, float]) -> Agreement:
    """Return what a random order comes to in the mean."""
    y = np.array(list(truth.values()))
    best = float(y.max())
    return Agreement(
        len(y), 0.0, float((best - y).mean() / max(abs(best), 1e-9)), min(1.0, _N_FIRST / len(y))
    )


def _share_of_hits(x: np.ndarray, best: int) -> float:
    """Return the chance that the source `best` is among the first three, ties broken at random."""
    n_better, n_equal = int((x > x[best]).sum()), int((x == x[best]).sum())
    return float(np.clip((_N_FIRST - n_better) / n_equal, 0, 1))


Regrets = Mapping[tuple[str, int], float]
"""Regret of an order on each target, by the name of its set with the structure and by seed."""
FEWEST_COLLECTIONS = 5
"""With fewer, the interval of a bootstrap over collections proves nothing."""


def regret_columns(regrets: Regrets, generalist: Regrets) -> dict[str, object]:
    """Return the interval of a mean regret, and its difference from that of the generalist, with a finding.

    Collections are drawn, and of each its targets and choices of tiles together: what is near to each other
    is no independent evidence. A finding needs an interval that leaves 0 out, of `FEWEST_COLLECTIONS` at
    least.

    Parameters
    ----------
    regrets
        Of the order.
    generalist
        Of always taking the generalist; targets without one are left out of the difference.
    """
    rng = np.random.default_rng(0)
    own = hierarchical_bootstrap(_by_collection(regrets), rng)
    found: dict[str, object] = {"regret_low": round(own.low, 3), "regret_high": round(own.high, 3)}
    differences = {one: regret - generalist[one] for one, regret in regrets.items() if one in generalist}
    if not differences:
        return found
    groups = _by_collection(differences)
    against = hierarchical_bootstrap(groups, rng)
    finding = "no finding"
    if len(groups) >= FEWEST_COLLECTIONS and against.leaves_zero_out:
        finding = "better" if against.mean < 0 else "worse"
    return found | {
        "less_generalist": round(against.mean, 3),
        "less_generalist_low": round(against.low, 3),
        "less_generalist_high": round(against.high, 3),
        "finding": finding,
    }


def _by_collection(regrets: Regrets) -> Sequence[Sequence[float]]:
    found: dict[str, list[float]] = {}
    for (target, _), regret in regrets.items():
        found.setdefault(collection_of(target.rpartition("-")[0])[0], []).append(regret)
    return list(found.values())
