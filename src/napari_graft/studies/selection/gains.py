"""What each strategy gains over foreground-aware random, in units of the spread of a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from napari_graft.studies.bootstrap import LEVEL, Interval, hierarchical_bootstrap, holm

CONTROL = "foreground-random"
"""What every strategy is compared with."""
ALPHA = 1 - LEVEL
FEWEST_TARGETS = 5
"""With fewer, the interval of a bootstrap over targets is too short to prove anything."""
FALLBACK = "foreground-diversity"
"""The default where nothing is better than the control."""

Points = dict[str, dict[str, dict[int, dict[int, float]]]]
"""Quality, higher is better, by strategy, target, seed and number of tiles."""


@dataclass(frozen=True, slots=True)
class StrategyGain:
    """Gain of a strategy over the control, with its uncertainty.

    Parameters
    ----------
    strategy
        Its name.
    gain
        Over all budgets, in units of the spread of a target: the deviation of the control over seeds.
    adjusted_p
        p by Holm's method for all strategies together.
    by_budget
        Mean gain with each number of tiles.
    n_targets
        Targets with a spread.
    """

    strategy: str
    gain: Interval
    adjusted_p: float
    by_budget: Mapping[int, float]
    n_targets: int

    @property
    def finding(self) -> str:
        """``better``, ``worse``, or ``no finding`` where chance may have made the gain."""
        if self.n_targets < FEWEST_TARGETS or self.adjusted_p >= ALPHA or not self.gain.leaves_zero_out:
            return "no finding"
        return "better" if self.gain.mean > 0 else "worse"

    def as_row(self) -> dict[str, object]:
        """Return a row of the table."""
        row: dict[str, object] = {
            "strategy": self.strategy,
            "gain": round(self.gain.mean, 3),
            "low": round(self.gain.low, 3),
            "high": round(self.gain.high, 3),
            "p (Holm)": round(self.adjusted_p, 4),
            "smallest visible": round(self.gain.smallest_visible, 3),
            "finding": self.finding,
            "n_targets": self.n_targets,
        }
        return row | {f"{n} tiles": round(gain, 2) for n, gain in self.by_budget.items()}


def judge_strategies(points: Points, rng: np.random.Generator) -> list[StrategyGain]:
    """Return a verdict for each strategy but the control, the largest gain first.

    The gain of a run is the mean over the budgets of its quality less that of the control with the same seed,
    each divided by the spread of the target: the deviation of the control over seeds, pooled over budgets. A
    target without any spread has nothing to tell and is left out.
    """
    spreads = {target: _spread(by_seed) for target, by_seed in points[CONTROL].items()}
    targets = [target for target, spread in spreads.items() if spread > 0]
    intervals, budgets = {}, {}
    for name, by_target in points.items():
        if name == CONTROL:
            continue
        gains = [_gains(by_target[t], points[CONTROL][t], spreads[t]) for t in targets]
        intervals[name] = hierarchical_bootstrap(
            [[fmean(run.values()) for run in runs] for runs in gains], rng
        )
        budgets[name] = {n: fmean(fmean(run[n] for run in runs) for runs in gains) for n in gains[0][0]}
    adjusted = holm({name: interval.p for name, interval in intervals.items()})
    verdicts = [
        StrategyGain(name, interval, adjusted[name], budgets[name], len(targets))
        for name, interval in intervals.items()
    ]
    return sorted(verdicts, key=lambda one: -one.gain.mean)


def default_strategy(verdicts: list[StrategyGain]) -> str:
    """Return the strategy that is better by most, or `FALLBACK` where none is better than the control."""
    return next((one.strategy for one in verdicts if one.finding == "better"), FALLBACK)


def _spread(by_seed: Mapping[int, Mapping[int, float]]) -> float:
    runs = list(by_seed.values())
    variances = [np.var([run[n] for run in runs], ddof=1) for n in runs[0]]
    return float(np.sqrt(np.mean(variances)))


def _gains(
    own: Mapping[int, Mapping[int, float]], control: Mapping[int, Mapping[int, float]], spread: float
) -> list[dict[int, float]]:
    return [
        {n: (quality - control[seed][n]) / spread for n, quality in run.items()} for seed, run in own.items()
    ]
