"""The table of the benchmark ``first-look``: a row a set, the medians, and what was gained since before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import Literal

from pydantic import BaseModel, ConfigDict

from napari_graft.sources.card import LeadingScore, leading_score
from napari_graft.sources.document import Document
from napari_graft.studies.first_look_image import ImageResult
from napari_graft.studies.generalists import is_generalist_id
from napari_graft.studies.targets import LabelledSet

_COLUMNS = (
    "target",
    "score",
    "n_images",
    "n_objects",
    "shape",
    "first",
    "sources",
    "said",
    "best",
    "best_source",
    "median",
    "generalist",
    "otsu",
    "diameter",
    "true_diameter",
)
_COMPARED = ("before", "gain")
_PAINTED = ("unpainted", "after")


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SetRow(_Row):
    """What came of one set; scores are means over its images.

    Parameters
    ----------
    score
        By which all is judged: ``ap50``, higher is better, or ``vi`` in bits, lower is better.
    images, n_objects, shape
        Numbers of the images that were looked at, their true objects, and the pixels of each.
    first, sources
        Score of the first of the ranking, and which that was.
    said
        What the program said to expect of it, in the order of the images; see `outlook`.
    best, best_source, median
        Of all sources of the family that have not seen the set. Where there is none, of the first of the
        ranking, and None where that is another for each image.
    generalist
        Best of those for the whole family that have not seen the set; None where all have.
    otsu
        Otsu's threshold and a watershed; None for what is no blob.
    diameter, true_diameter
        Medians over the images, in pixels.
    unpainted, after
        Scores of the first on the pixels that were not painted afterwards, as it is and after a training on
        the painted tiles: means over the images that are large enough, None where none is.
    before, gain
        Score of the first of the ranking in an earlier result on the same images, and what was gained since:
        the difference of AP50, or the share of the VI that is saved.
    """

    target: str
    score: LeadingScore
    images: tuple[int, ...]
    n_objects: int
    shape: tuple[int, ...]
    first: float
    sources: tuple[str, ...]
    said: tuple[str, ...] = ()
    best: float | None
    best_source: str | None
    median: float | None
    generalist: float | None
    otsu: float | None
    diameter: float | None
    true_diameter: float
    unpainted: float | None = None
    after: float | None = None
    before: float | None = None
    gain: float | None = None


class MedianRow(_Row):
    """Medians over the sets that are judged by one score, each over those that have the figure."""

    score: LeadingScore
    n_sets: int
    first: float
    best: float | None
    median: float | None
    generalist: float | None
    otsu: float | None
    before: float | None
    gain: float | None


class FirstLook(Document):
    """All that the benchmark found.

    Parameters
    ----------
    program
        Checksum of the code that it was measured with.
    rows, medians, images
        By set, over the sets, and by image.
    """

    made_by: Literal["napari-graft"] = "napari-graft"
    program: str
    rows: tuple[SetRow, ...]
    medians: tuple[MedianRow, ...]
    images: tuple[ImageResult, ...]

    def table(self) -> tuple[list[dict[str, object]], tuple[str, ...]]:
        """Return rows to print, the medians last, and their columns."""
        is_compared = any(row.before is not None for row in self.rows)
        is_painted = any(row.after is not None for row in self.rows)
        columns = (*_COLUMNS, *(_PAINTED if is_painted else ()), *(_COMPARED if is_compared else ()))
        sets: list[dict[str, object]] = [
            row.model_dump() | {"n_images": len(row.images)} for row in self.rows
        ]
        over_all = [
            dict.fromkeys(columns) | row.model_dump() | {"target": f"median of {row.n_sets} by {row.score}"}
            for row in self.medians
        ]
        return [*sets, *over_all], columns


def set_row(target: LabelledSet, results: Sequence[ImageResult]) -> SetRow:
    """Sum up the images of a set, at least one."""
    score = leading_score(target.structure)
    chosen = [result.score_of_first[score] for result in results]
    everywhere = set.intersection(*(set(result.scores) for result in results))
    by_source = {one: fmean(result.scores[one][score] for result in results) for one in everywhere}
    in_order = sorted(by_source, key=lambda one: (by_source[one] * (1 if score == "vi" else -1), one))
    generalists = [by_source[one] for one in in_order if is_generalist_id(one)]
    painted = [result.after_tiles for result in results if result.after_tiles is not None]
    otsu = [result.otsu[score] for result in results if result.otsu is not None]
    return SetRow(
        target=target.key,
        score=score,
        images=tuple(result.image for result in results),
        n_objects=sum(result.n_objects for result in results),
        shape=results[0].shape,
        first=fmean(chosen),
        sources=tuple(dict.fromkeys(result.first for result in results)),
        said=tuple(result.outlook or "" for result in results),
        best=by_source[in_order[0]] if in_order else None,
        best_source=in_order[0] if in_order else None,
        median=_median(by_source.values()),
        generalist=generalists[0] if generalists else None,
        otsu=fmean(otsu) if otsu else None,
        diameter=_median(result.diameter for result in results),
        true_diameter=median(result.true_diameter for result in results),
        unpainted=fmean(one.untouched[score] for one in painted) if painted else None,
        after=fmean(one.after[score] for one in painted) if painted else None,
    )


def compare(rows: Iterable[SetRow], before: Iterable[SetRow]) -> list[SetRow]:
    """Return the rows with the gain over earlier ones that were measured on the same pixels."""
    known = {_measured_on(row): row.first for row in before}
    return [_compared(row, known.get(_measured_on(row))) for row in rows]


def medians(rows: Sequence[SetRow]) -> tuple[MedianRow, ...]:
    """Return the medians over the sets, by the score that they are judged by."""
    scores: tuple[LeadingScore, ...] = ("ap50", "vi")
    groups = {score: [row for row in rows if row.score == score] for score in scores}
    return tuple(_over_sets(score, group) for score, group in groups.items() if group)


def _over_sets(score: LeadingScore, rows: Sequence[SetRow]) -> MedianRow:
    return MedianRow(
        score=score,
        n_sets=len(rows),
        first=median(row.first for row in rows),
        best=_median(row.best for row in rows),
        median=_median(row.median for row in rows),
        generalist=_median(row.generalist for row in rows),
        otsu=_median(row.otsu for row in rows),
        before=_median(row.before for row in rows),
        gain=_median(row.gain for row in rows),
    )


def _compared(row: SetRow, before: float | None) -> SetRow:
    if before is None:
        return row
    gain: float | None = row.first - before
    if row.score == "vi":
        gain = 1 - row.first / before if before else None
    return row.model_copy(update={"before": before, "gain": gain})


def _measured_on(row: SetRow) -> tuple[object, ...]:
    return row.target, row.score, row.images, row.shape, row.n_objects


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
