"""What a finished loop leaves behind to report: the record, its scores, and how numbers are written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.fingerprints.source_map import SourceMap
from napari_graft.sources.card import leading_score

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SuggestedTile:
    """Where annotation was suggested, and why.

    Parameters
    ----------
    round
        Round of the loop that asked for it, the first is 1.
    start, shape
        The tile, in pixels of the image.
    score
        How much the strategy wanted it; only compared within one round.
    reason
        Why, in words.
    overview_index
        Which of the record's overviews shows it.
    """

    round: int
    start: tuple[int, ...]
    shape: tuple[int, ...]
    score: float
    reason: str
    overview_index: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A small picture of the image, or of one of its slices, on which tiles are drawn.

    Parameters
    ----------
    image
        uint8, (y, x).
    z
        Slice that it shows, None for a 2-D image.
    scale
        Pixels of the image per pixel of the overview: 2 where the overview has half the size.
    """

    image: NDArray[np.uint8]
    z: int | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.image.ndim != 2 or not self.scale > 0:
            raise InputError(
                f"an overview of shape {self.image.shape} at scale {self.scale} cannot be drawn: "
                "give a (y, x) image and a positive scale"
            )


@dataclass(frozen=True, slots=True)
class Panel:
    """One place of the test part, and what each model makes of it.

    Parameters
    ----------
    place
        Where it is, in words.
    image
        uint8, (y, x).
    truth
        Integers, the shape of `image`, 0 is background.
    segmentations
        The same, by the name that the page shows, in the order in which it shows them.
    """

    place: str
    image: NDArray[np.uint8]
    truth: NDArray[np.integer]
    segmentations: Mapping[str, NDArray[np.integer]]

    def __post_init__(self) -> None:
        shapes = {self.image.shape, self.truth.shape, *(s.shape for s in self.segmentations.values())}
        if len(shapes) > 1 or self.image.ndim != 2:
            raise InputError(
                f"the pictures of {self.place} have shapes {sorted(shapes)}: give one (y, x) shape"
            )


@dataclass(frozen=True, slots=True)
class LoopRecord:
    """All that a report shows.

    Rows are mappings by the keys of ``report.json``; a missing score, None, NaN or infinity is shown as "–".

    Parameters
    ----------
    title
        Heading of the page.
    image_name, shape, axes, pixel_size, unit
        The image; `axes` as ``"zyx"``.
    structure, structure_words
        What is segmented: as the catalogue calls it, and as a sentence calls many of them.
    ranking
        As ``rank --json``, best first; a source of another structure has ``same_structure`` False.
    rounds
        Each round's ``n_tiles``, ``source``, ``seconds``, ``steps`` and test scores as ``evaluate``; ``kept``
        False where the new model was worse on the held-out part; ``share`` and ``choice`` say how much of the
        training was kept, and why not all.
    zero_shot
        Test scores of the first round's source as it is.
    scratch
        As a round, trained without a source, on as many tiles as one of the rounds.
    seconds
        Duration of the whole loop.
    scratch_rounds
        The same at other numbers of tiles; may repeat `scratch`.
    scratch_longer
        The same on the tiles of the last round, trained for longer than the adapted model; None without one.
    excluded
        Sources that were left out on request.
    held_out
        Scores on the held-out part of the annotated tiles, by ``new``, ``previous`` and ``source``.
    tiles, overviews, panels
        What is drawn.
    facts
        What was run, by name, in order. ``Version``, ``Seed`` and ``Device`` also enter the methods.
    notes
        Things to know, each a sentence.
    strategy
        Name of the strategy that suggested the tiles.
    source_map
        The ranked sources and the image, None where they could not be mapped.
    """

    title: str
    image_name: str
    shape: tuple[int, ...]
    axes: str
    pixel_size: tuple[float, ...] | None
    unit: str
    structure: str
    structure_words: str
    ranking: tuple[Row, ...]
    rounds: tuple[Row, ...]
    zero_shot: Row
    scratch: Row
    seconds: float
    scratch_rounds: tuple[Row, ...] = ()
    scratch_longer: Row | None = None
    excluded: tuple[str, ...] = ()
    held_out: Mapping[str, Row] = field(default_factory=dict)
    tiles: tuple[SuggestedTile, ...] = ()
    overviews: tuple[Overview, ...] = ()
    panels: tuple[Panel, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    strategy: str = "auto"
    source_map: SourceMap | None = None

    def __post_init__(self) -> None:
        counts = [row.get("n_tiles") for row in self.rounds]
        if self.scratch.get("n_tiles") not in counts or None in counts:
            raise InputError(
                f"training from scratch used {self.scratch.get('n_tiles')} tiles and the rounds {counts}: "
                "compare at a number of tiles that one of the rounds used"
            )
        missing = {t.overview_index for t in self.tiles} - set(range(len(self.overviews)))
        if missing:
            raise InputError(f"tiles are drawn on the overviews {sorted(missing)}, which are not given")

    @property
    def source_id(self) -> str:
        """Source that the first round started from."""
        return str(self.rounds[0]["source"])

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the ranked sources by id."""
        return {str(row["source"]): str(row["title"]) for row in self.ranking}

    @property
    def source_title(self) -> str:
        """Title of that source, or its id where the ranking does not list it."""
        return self.titles.get(self.source_id, self.source_id)

    @property
    def compared_round(self) -> Row:
        """The round with as many tiles as training from scratch."""
        return next(row for row in self.rounds if row["n_tiles"] == self.scratch["n_tiles"])

    @property
    def all_scratch(self) -> tuple[Row, ...]:
        """All trainings from scratch, each number of tiles once, by rising number."""
        rows = {str(row["n_tiles"]): row for row in (*self.scratch_rounds, self.scratch)}
        return tuple(sorted(rows.values(), key=lambda row: float(str(row["n_tiles"]))))


MISSING = "–"
THIN_SPACE = "\u202f"


def number(row: Row, key: str) -> float:
    """Return a number of a row, NaN where it is missing or not finite."""
    value = row.get(key)
    if isinstance(value, str) or value is None:
        return math.nan
    found = float(value)  # type: ignore[arg-type]  # numpy scalars have no common type
    return found if math.isfinite(found) else math.nan


def text(value: float, digits: int = 2) -> str:
    """Return a number with so many digits after the point, or a dash for NaN."""
    return MISSING if math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def count(value: float) -> str:
    """Return a whole number, thousands apart, or a dash for NaN."""
    return MISSING if math.isnan(value) else f"{value:,.0f}".replace(",", THIN_SPACE).replace("-", "−")


def percent(share: float) -> str:
    """Return a share as per cent: whole, but with a digit below one."""
    value = 100 * share
    digits = 1 if 0 < abs(value) < 0.95 else 0
    return f"{value:.{digits}f}{THIN_SPACE}%".replace("-", "−")


def significant(value: float) -> str:
    """Return a number of any size with about two digits that count."""
    if math.isnan(value):
        return MISSING
    return count(value) if abs(value) >= 100 else f"{value:.2g}".replace("-", "−")


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    if math.isnan(seconds):
        return MISSING
    if seconds < 60:
        return f"{seconds:.1f}{THIN_SPACE}s" if seconds < 10 else f"{seconds:.0f}{THIN_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}{THIN_SPACE}min {rest}{THIN_SPACE}s"


def n_of(n: float, noun: str) -> str:
    """Return a number of things, the noun in the singular for one."""
    return f"{n:g} {noun}" if n == 1 else f"{n:g} {noun}s"


def slug(words: str) -> str:
    """Return words as part of a file name: lower case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "unnamed"


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
