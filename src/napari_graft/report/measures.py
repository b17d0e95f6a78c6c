"""The scores that the report shows: names, directions, and which one leads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from napari_graft.report.record import LoopRecord
from napari_graft.report.values import number, text
from napari_graft.sources.card import leading_score

SAME_VI_SHARE = 0.05
SAME_AP = 0.02


class Verdict(Enum):
    """Verdict on the adapted model beside another."""

    BETTER = "better"
    EQUAL = "equal"
    WORSE = "worse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Measure:
    """Measure of quality, as the report shows it.

    Parameters
    ----------
    key
        Its key in a row.
    name, unit
        As a table heads it; the unit may be empty.
    lower_is_better
        Its direction.
    meaning
        Half a sentence for a reader who does not know it.
    """

    key: str
    name: str
    unit: str
    lower_is_better: bool
    meaning: str

    def write(self, value: float) -> str:
        """Return a value with the name before it and the unit behind."""
        return f"{self.name} {self.write_value(value)}"

    def write_value(self, value: float) -> str:
        """Return a value with its unit."""
        return f"{text(value)} {self.unit}".rstrip()

    def judge(self, new: float, old: float) -> Verdict:
        """Compare two values; within 5 % of VI, or 0.02 of another score, they count as equal."""
        if math.isnan(new) or math.isnan(old):
            return Verdict.UNKNOWN
        tolerance = SAME_VI_SHARE * max(new, old) if self.lower_is_better else SAME_AP
        if abs(new - old) <= tolerance:
            return Verdict.EQUAL
        return Verdict.BETTER if (new < old) == self.lower_is_better else Verdict.WORSE


VI = Measure(
    "vi",
    "VI",
    "bits",
    True,
    "variation of information: how much the true objects are cut apart or joined, in bits; 0 is perfect",
)
VI_SPLIT = Measure("vi_split", "VI split", "bits", True, "the part of VI that comes from cutting apart")
VI_MERGE = Measure("vi_merge", "VI merge", "bits", True, "the part of VI that comes from joining")
ARAND = Measure(
    "arand",
    "Rand error",
    "",
    True,
    "adapted Rand error: the share of pixel pairs wrongly joined or parted; 0 is perfect",
)
AP50 = Measure(
    "ap50",
    "AP50",
    "",
    False,
    "share of correct objects among all that were found or missed, where a correct object shares more than "
    "half of the joint area with a true one; 1 is perfect",
)
AP = Measure("ap", "AP", "", False, "AP50 averaged over stricter and stricter overlaps, from 0.5 to 0.95")
F1 = Measure("f1_50", "F1", "", False, "objects found and found wrongly in balance, at AP50’s overlap")
DICE = Measure("dice", "Dice", "", False, "overlap of all objects together with all true objects")

MEASURES = (VI, VI_SPLIT, VI_MERGE, ARAND, AP50, AP, F1, DICE)


def leading_measures(structure: str) -> tuple[Measure, Measure]:
    """Return VI and AP50, the one first that says more of this structure.

    Neurites fill the image and are told by their outlines: VI. Objects that lie apart are counted: AP50.
    """
    return (VI, AP50) if leading_score(structure) == VI.key else (AP50, VI)


def vi_improvement(record: LoopRecord) -> float:
    """Return (scratch - adapted) / scratch of VI at the same number of tiles; NaN where it is undefined."""
    scratch = number(record.scratch, "vi")
    return (scratch - number(record.compared_round, "vi")) / scratch if scratch > 0 else math.nan
