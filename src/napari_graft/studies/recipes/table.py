"""What the parts of the recipe came to, and the table of their gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np

from napari_graft.io.documents import Document
from napari_graft.studies.bootstrap import Interval, hierarchical_bootstrap, holm
from napari_graft.studies.recipes.parts import USUAL
from napari_graft.studies.transfer import quality_of

NOTICEABLE = 0.01
"""Share of a score by which two must differ to count as better and worse."""
LEAST_SCORE = 0.05
"""Of a smaller score no share is taken: it would make much of nothing."""
FEWEST_TARGETS = 4
"""With fewer, an interval over targets proves nothing."""
_ALPHA = 0.05


class RecipeCell(Document):
    """Result of one part on one target with one seed.

    Parameters
    ----------
    target, seed, part, tuning, n_tiles, steps, tile
        What was asked for, by which it is known again; the settings of the part are among it, as JSON.
    source
        The first source of the ranking, which all parts begin with.
    scores
        On the test part, by the keys of ``evaluate``.
    share
        Part of the way from the source to the trained weights that was kept; None where there was no choice.
    trained_steps, seconds, version
        Steps that were trained, how long it took, and with which version of napari-graft.
    """

    target: str
    seed: int
    part: str
    tuning: str
    n_tiles: int
    steps: int
    tile: int | None
    source: str
    scores: dict[str, float]
    share: float | None = None
    trained_steps: int
    seconds: float
    version: str

    @property
    def quality(self) -> float:
        """What the target is judged by, higher is better; see `quality_of`."""
        return quality_of(self.target, self.scores)


Gains = Mapping[str, Sequence[float]]
"""Gains of a part by target, one for each seed."""


def table(found: Sequence[RecipeCell]) -> list[dict[str, object]]:
    """Return a row for each part but the usual training, the one that gains most first.

    ``gain`` is by how much its score is better than that of the usual training with the same tiles and seed,
    as a share of that one, mean over targets, with a 95 % interval over targets and their seeds and p by
    Holm's method for all parts together. ``better`` and ``worse`` count the pairs that differ by more than
    `NOTICEABLE`.
    """
    parts = list(dict.fromkeys(one.part for one in found if one.part != USUAL))
    gains = {part: gains_of(found, part) for part in parts}
    gains = {part: of_part for part, of_part in gains.items() if of_part}
    intervals = {
        part: hierarchical_bootstrap(list(of_part.values()), np.random.default_rng(0))
        for part, of_part in gains.items()
    }
    adjusted = holm({part: one.p for part, one in intervals.items()})
    rows = [_row(part, of_part, intervals[part], adjusted[part], found) for part, of_part in gains.items()]
    return sorted(rows, key=lambda row: -float(str(row["gain"])))


def gains_of(found: Sequence[RecipeCell], part: str) -> Gains:
    """Return the gains of a part over the usual training, by target."""
    usual = {(one.target, one.seed): one.quality for one in found if one.part == USUAL}
    gains: dict[str, list[float]] = {}
    for one in found:
        if one.part == part and (one.target, one.seed) in usual:
            before = usual[one.target, one.seed]
            gain = (one.quality - before) / max(abs(before), LEAST_SCORE)
            gains.setdefault(one.target, []).append(gain)
    return gains


def _row(
    part: str, gains: Gains, interval: Interval, p: float, found: Sequence[RecipeCell]
) -> dict[str, object]:
    own = [one for one in found if one.part == part]
    every = [gain for of_target in gains.values() for gain in of_target]
    shares = [one.share for one in own if one.share is not None]
    is_found = len(gains) >= FEWEST_TARGETS and p < _ALPHA and interval.leaves_zero_out
    return {
        "part": part,
        "n targets": len(gains),
        "n": len(every),
        "gain": round(interval.mean, 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "p (Holm)": round(p, 4),
        "smallest visible": round(interval.smallest_visible, 4),
        "better": sum(gain > NOTICEABLE for gain in every),
        "worse": sum(gain < -NOTICEABLE for gain in every),
        "kept": round(fmean(shares), 2) if shares else None,
        "seconds": round(fmean(one.seconds for one in own), 1),
        "finding": ("better" if interval.mean > 0 else "worse") if is_found else "no finding",
    }
