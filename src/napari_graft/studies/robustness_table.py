"""The table of the benchmark ``robustness``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from napari_graft.imaging.faults.registry import FAULTS
from napari_graft.sources.card import leading_score

JUDGED = "middle"
"""The strength at which the sources are compared."""
_HALF = 0.5
_LEAST_VI = 0.01
"""VI in bits below which differences say nothing."""

Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Endurance:
    """The scores of one source without a fault and under each, by fault and name of its strength."""

    source: str
    structure: str
    clean: Scores
    spoilt: Mapping[tuple[str, str], Scores]

    def kept(self, fault: str, strength: str) -> float | None:
        """Return the share of the clean score that is kept; None where there was none to lose.

        For AP50 it is ``spoilt / clean``; for VI, of which less is better, ``clean / spoilt``.
        """
        name = leading_score(self.structure)
        clean, spoilt = self.clean[name], self.spoilt[fault, strength][name]
        if name == "vi":
            return max(clean, _LEAST_VI) / max(spoilt, _LEAST_VI)
        return spoilt / clean if clean else None

    def as_dict(self) -> dict[str, object]:
        """Return all of it for a JSON document; `kept` by fault and strength."""
        kept: dict[str, dict[str, float | None]] = {}
        scores: dict[str, dict[str, Scores]] = {}
        for fault, strength in self.spoilt:
            share = self.kept(fault, strength)
            kept.setdefault(fault, {})[strength] = None if share is None else round(share, 4)
            scores.setdefault(fault, {})[strength] = self.spoilt[fault, strength]
        measure = leading_score(self.structure)
        of_source = {"source": self.source, "structure": self.structure, "measure": measure}
        return {**of_source, "clean": self.clean, "kept": kept, "scores": scores}


def table(found: Sequence[Endurance], strengths: Sequence[str]) -> list[dict[str, object]]:
    """Return a row for each fault.

    A row holds the share of the clean score that is kept at each strength, in the median over the sources;
    the lowest share at the strength `JUDGED`; and the sources that keep less than half there.
    """
    rows = []
    for fault in FAULTS:
        row: dict[str, object] = {"fault": FAULTS[fault].title, "sources": len(found)}
        for strength in strengths:
            shares = _shares(found, fault, strength)
            row[strength] = round(median(shares.values()), 4) if shares else None
        judged = _shares(found, fault, JUDGED)
        row[f"lowest_{JUDGED}"] = round(min(judged.values()), 4) if judged else None
        row[f"under_half_{JUDGED}"] = [source for source, share in judged.items() if share < _HALF]
        rows.append(row)
    return rows


def _shares(found: Sequence[Endurance], fault: str, strength: str) -> dict[str, float]:
    shares = {one.source: one.kept(fault, strength) for one in found}
    return {source: share for source, share in shares.items() if share is not None}
