"""What the cells say together: means for each target, and how far the aims are reached, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from napari_graft.sources.card import FILLING_STRUCTURES
from napari_graft.studies.bootstrap import hierarchical_bootstrap
from napari_graft.studies.label_efficiency.arms import ARMS, WITHOUT_TILES

SLIGHTLY, CLEARLY = 0.01, 0.05
"""Shares of the gap between the untouched source and the floor by which a run may be worse."""


@dataclass(frozen=True, slots=True)
class ArmScore:
    """One column on one target with one seed.

    Parameters
    ----------
    target, seed, arm, n_tiles
        Which; 0 tiles where the column does not depend on them.
    quality
        Minus the VI, or the mean AP.
    source
        The first of the ranking.
    scores
        All scores.
    """

    target: str
    seed: int
    arm: str
    n_tiles: int
    quality: float
    source: str
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ArmComparison:
    """The columns of one target with one seed and one number of tiles, by name."""

    target: str
    seed: int
    n_tiles: int
    source: str
    quality: Mapping[str, float]

    @property
    def is_vi(self) -> bool:
        """Whether the target is judged by VI, and else by AP."""
        return self.target.rpartition("-")[2] in FILLING_STRUCTURES

    def loss(self) -> float:
        """Return by how much ours is worse than the untouched source, as a share of the gap to the floor."""
        gap = max(self.quality["full"] - self.quality["untouched"], 1e-6)
        return (self.quality["untouched"] - self.quality["ours"]) / gap

    @property
    def better_scratch(self) -> float:
        """Quality of the better one of the two trainings from scratch."""
        return max(self.quality["scratch"], self.quality["scratch longer"])

    def gap_closed(self) -> float | None:
        """Return the share of the gap between the better scratch and the floor that ours closes.

        None where scratch is as good as the floor: there is no gap.
        """
        gap = self.quality["full"] - self.better_scratch
        return (self.quality["ours"] - self.better_scratch) / gap if gap > 0 else None

    def gain(self, other: float) -> float:
        """Return the gain of ours over a quality: the share of the VI that is saved, or points of AP."""
        ours = self.quality["ours"]
        return 1 - ours / other if self.is_vi else ours - other


def comparisons(cells: Sequence[ArmScore]) -> list[ArmComparison]:
    """Return the cells that belong beside each other, in the order in which they come."""
    fixed = {(one.target, one.seed, one.arm): one.quality for one in cells if one.arm in WITHOUT_TILES}
    by_place: dict[tuple[str, int, int], dict[str, float]] = {}
    sources = {(one.target, one.seed): one.source for one in cells}
    for one in cells:
        if one.arm not in WITHOUT_TILES:
            by_place.setdefault((one.target, one.seed, one.n_tiles), {})[one.arm] = one.quality
    found = []
    for (target, seed, n), quality in by_place.items():
        known = {arm: fixed[target, seed, arm] for arm in WITHOUT_TILES if (target, seed, arm) in fixed}
        found.append(ArmComparison(target, seed, n, sources[target, seed], known | quality))
    return found


def rows_of(cells: Sequence[ArmScore]) -> list[dict[str, object]]:
    """Return a row for each target and number of tiles: the mean of each column over the seeds.

    VI where neurites are wanted, lower is better; mean AP for all else.
    """
    rows: list[dict[str, object]] = []
    found = comparisons(cells)
    for target, n in dict.fromkeys((one.target, one.n_tiles) for one in found):
        own = [one for one in found if (one.target, one.n_tiles) == (target, n)]
        row: dict[str, object] = {
            "target": target,
            "source": ", ".join(sorted({one.source for one in own})),
            "n_tiles": n,
            "n_seeds": len(own),
            "score": "VI" if own[0].is_vi else "AP",
        }
        for arm in ARMS:
            values = [abs(one.quality[arm]) for one in own if arm in one.quality]
            row[arm] = round(fmean(values), 3) if values else None
        rows.append(row)
    return rows


def aims(cells: Sequence[ArmScore]) -> list[dict[str, object]]:
    """Return, for each number of tiles, how far the aims are reached; unfinished ones are left out."""
    found = [one for one in comparisons(cells) if {"ours", "untouched", "full"} <= one.quality.keys()]
    return [
        _aims_at(n, [one for one in found if one.n_tiles == n]) for n in sorted({o.n_tiles for o in found})
    ]


def _aims_at(n: int, own: Sequence[ArmComparison]) -> dict[str, object]:
    losses = [one.loss() for one in own]
    row: dict[str, object] = {
        "n_tiles": n,
        "n_targets": len({one.target for one in own}),
        "n_runs": len(own),
        "no worse than untouched": round(fmean(loss <= SLIGHTLY for loss in losses), 3),
        "worst loss": round(max(losses), 3),
    }
    full = [one for one in own if {"scratch", "scratch longer"} <= one.quality.keys()]
    closed = [share for one in full if (share := one.gap_closed()) is not None]
    row["gap closed (median)"] = round(median(closed), 3) if closed else None
    for name, is_vi in (("VI saved", True), ("AP gained", False)):
        gains = _gains([one for one in full if one.is_vi == is_vi])
        if gains:
            interval = hierarchical_bootstrap(gains, np.random.default_rng(0))
            row[name] = round(interval.mean, 3)
            row[f"{name}, interval"] = [round(interval.low, 3), round(interval.high, 3)]
    return row


def _gains(own: Sequence[ArmComparison]) -> list[list[float]]:
    """Return the gains over the better scratch, for each target those of its seeds."""
    by_target: dict[str, list[float]] = {}
    for one in own:
        by_target.setdefault(one.target, []).append(one.gain(one.better_scratch))
    return list(by_target.values())
