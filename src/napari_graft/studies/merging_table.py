"""How merged networks compare with what they were made of, in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from napari_graft.scorers.order import family
from napari_graft.studies.transfer import quality_of

FIRST, SECOND, BETTER = "first", "second", "better of the two"
NOTICEABLE = 0.01
"""Share of a score by which two must differ to count as better and worse."""


@dataclass(frozen=True, slots=True)
class Contest:
    """Gather what all came to on one target with one choice of tiles.

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
    def family(self) -> str:
        """Name of the family of structures that the target belongs to."""
        return family(self.target.rpartition("-")[2])

    def qualities(self) -> dict[str, float]:
        """Return what each is judged by, higher is better; what turns out better of the two is one more."""
        found = {name: quality_of(self.target, dict(scores)) for name, scores in self.scores.items()}
        return found | {BETTER: max(found[FIRST], found[SECOND])}


def table(contests: Sequence[Contest]) -> list[dict[str, object]]:
    """Return a row for each way, over all targets and for each family.

    ``score`` is the mean of minus the VI (neurites) and of the mean AP (all others), ``gain`` its difference
    to that of the first source alone, as a share of it; over all targets these have no common scale, and the
    gain is the mean of those of the families. ``better`` and ``worse`` count the contests in which it differs
    by more than `NOTICEABLE`.
    """
    groups: dict[str, list[Contest]] = {}
    for one in contests:
        groups.setdefault(one.family, []).append(one)
    rows = [row for name, members in groups.items() for row in _rows(name, members)]
    return _over_all(rows) + rows


def _rows(group: str, contests: Sequence[Contest]) -> list[dict[str, object]]:
    found = [one.qualities() for one in contests]
    base = fmean(one[FIRST] for one in found)
    rows: list[dict[str, object]] = []
    for way in found[0]:
        score = fmean(one[way] for one in found)
        margins = [(one[way] - one[FIRST]) / max(abs(one[FIRST]), 1e-9) for one in found]
        rows.append(
            {
                "group": group,
                "way": way,
                "n": len(contests),
                "score": round(score, 4),
                "gain": round((score - base) / abs(base), 4),
                "better": sum(margin > NOTICEABLE for margin in margins),
                "worse": sum(margin < -NOTICEABLE for margin in margins),
            }
        )
    return rows


def _over_all(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    by_way: dict[str, list[Mapping[str, object]]] = {}
    for row in rows:
        by_way.setdefault(str(row["way"]), []).append(row)
    return [
        {
            "group": "all",
            "way": way,
            "n": sum(_number(row["n"]) for row in of_way),
            "score": None,
            "gain": round(fmean(_number(row["gain"]) for row in of_way), 4),
            "better": sum(_number(row["better"]) for row in of_way),
            "worse": sum(_number(row["worse"]) for row in of_way),
        }
        for way, of_way in by_way.items()
    ]


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return value
