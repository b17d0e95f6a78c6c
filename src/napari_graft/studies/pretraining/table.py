"""What the arms of the benchmark ``pretraining`` reached, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from napari_graft.io.documents import Document
from napari_graft.studies.bootstrap import mean_interval
from napari_graft.studies.transfer import quality_of

UNTOUCHED, LONGER = "untouched", "longer fine-tuning"
NOTICEABLE = 0.01
"""By how much of AP, or bits of VI, two must differ to count as better and worse."""


class Prepared(Document):
    """Result of one arm on one target.

    Parameters
    ----------
    target, seed, arm, source, weights_sha256, n_tiles, tile, steps, pretrain_steps
        What was asked for, by which it is known again.
    objective, replay
        Of the arm.
    scores
        On the test part, by the keys of ``evaluate``.
    share
        Part of the way from the start to the trained weights that was kept; None where there was no choice.
    best_step, check_before, check_after
        Of the pretraining: the step that was kept, and the replay loss; 0 and None where there was none.
    pretrain_seconds, seconds, version
        How long both parts took, and with which version of napari-graft.
    """

    target: str
    seed: int
    arm: str
    objective: str | None
    replay: tuple[str, ...]
    source: str
    weights_sha256: str
    n_tiles: int
    tile: int
    steps: int
    pretrain_steps: int
    scores: dict[str, float]
    share: float | None = None
    best_step: int = 0
    check_before: float | None = None
    check_after: float | None = None
    pretrain_seconds: float = 0.0
    seconds: float
    version: str

    @property
    def quality(self) -> float:
        """What the target is judged by, higher is better; see `quality_of`."""
        return quality_of(self.target, self.scores)


def table(found: Sequence[Prepared], arms: Sequence[str]) -> list[dict[str, object]]:
    """Return a row for each kind of target, number of tiles and arm, over all targets and seeds.

    ``score`` is the mean AP of what is separate objects, and minus the mean VI of neurites. ``gain`` is how
    much higher that is than of the untouched source, with the 95 % interval of the mean over targets;
    ``better`` and ``worse`` count the contests in which it differs by more than `NOTICEABLE`.
    """
    groups: dict[tuple[str, int], list[Prepared]] = {}
    for one in found:
        kind = "neurites" if one.target.endswith("-neurites") else "all but neurites"
        groups.setdefault((kind, one.n_tiles), []).append(one)
    return [
        {"group": kind, "n_tiles": n_tiles} | _row(members, arm)
        for (kind, n_tiles), members in sorted(groups.items())
        for arm in arms
        if any(one.arm == arm for one in members)
    ]


def _row(found: Sequence[Prepared], arm: str) -> dict[str, object]:
    plain = {(one.target, one.seed): one.quality for one in found if one.arm == UNTOUCHED}
    own = [one for one in found if one.arm == arm and (one.target, one.seed) in plain]
    gains = [one.quality - plain[one.target, one.seed] for one in own]
    low, high = mean_interval(_means_of_targets(own, gains))
    return {
        "arm": arm,
        "n": len(own),
        "score": round(fmean(one.quality for one in own), 4) if own else None,
        "gain": round(fmean(gains), 4) if gains else None,
        "low": None if low is None else round(low, 4),
        "high": None if high is None else round(high, 4),
        "better": sum(gain > NOTICEABLE for gain in gains),
        "worse": sum(gain < -NOTICEABLE for gain in gains),
    }


def _means_of_targets(own: Sequence[Prepared], gains: Sequence[float]) -> list[float]:
    """Return one mean for each target: seeds of one target are no independent targets."""
    of_target: dict[str, list[float]] = {}
    for one, gain in zip(own, gains, strict=True):
        of_target.setdefault(one.target, []).append(gain)
    return [fmean(values) for values in of_target.values()]
