"""How merged networks compare with what they were made of, in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from napari_graft.scorers.order import family
from napari_graft.studies.transfer import quality_of

FIRST, SECOND, BETTER = "first", "second", "better of the two"
NOTICEABLE = 0.01
"""Share of a score by which two must differ to count as better and worse."""


@dataclass(frozen=True, slots=True)
class MergeComparison:
    """Scores on one target with one choice of tiles: the sources alone and merged.

    Parameters
    ----------
    target, seed
        The target, as name and structure, and the seed that drew its tiles.
    sources
        The two that were merged, the first of the ranking first.
    scores
        By the keys of ``evaluate``, for each way: ``first`` and ``second`` are the sources trained alone.
    """

    target: str
    seed: int
    sources: tuple[str, str]
    scores: Mapping[str, Mapping[str, float]]

    @property
    def group(self) -> str:
        """What it is shown with: its family, but axons alone, which are judged by another score."""
        structure = self.target.rpartition("-")[2]
        return structure if structure == "axons" else family(structure)

    def qualities(self) -> dict[str, float]:
        """Return what each is judged by, higher is better; what turns out better of the two is one more."""
        found = {name: quality_of(self.target, dict(scores)) for name, scores in self.scores.items()}
        return found | {BETTER: max(found[FIRST], found[SECOND])}

    def gains(self) -> dict[str, float]:
        """Return how much better each is than the first source alone, as a share of its score."""
        found = self.qualities()
        return {name: (one - found[FIRST]) / max(abs(found[FIRST]), 1e-9) for name, one in found.items()}


def table(comparisons: Sequence[MergeComparison]) -> list[dict[str, object]]:
    """Return a row for each way, over all targets and for each group.

    ``score`` is the mean of minus the VI (neurites) or of the mean AP (all others), which have no common
    scale over all targets; ``gain`` the median of `MergeComparison.gains`. ``better`` and ``worse`` count the
    contests in which it differs from the first source by more than `NOTICEABLE`.
    """
    groups: dict[str, list[MergeComparison]] = {"all": list(comparisons)}
    for one in comparisons:
        groups.setdefault(one.group, []).append(one)
    return [row for name, members in groups.items() for row in _rows(name, members)]


def _rows(group: str, comparisons: Sequence[MergeComparison]) -> list[dict[str, object]]:
    qualities = [one.qualities() for one in comparisons]
    gains = [one.gains() for one in comparisons]
    return [
        {
            "group": group,
            "way": way,
            "n": len(comparisons),
            "score": None if group == "all" else round(fmean(one[way] for one in qualities), 4),
            "gain": round(median(one[way] for one in gains), 4),
            "better": sum(one[way] > NOTICEABLE for one in gains),
            "worse": sum(one[way] < -NOTICEABLE for one in gains),
        }
        for way in (qualities[0] if qualities else ())
    ]
