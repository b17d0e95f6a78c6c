"""What a stranger's image gets from the first source as it is: the benchmark ``first-look``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean, median
from typing import Literal

from pydantic import BaseModel, ConfigDict

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report, note
from napari_graft.io.documents import Document, document_bytes, read_document
from napari_graft.io.writers.file_kinds import JSON
from napari_graft.io.writers.outputs import Input, Outputs
from napari_graft.sources.card import LeadingScore, leading_score
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import trained_on
from napari_graft.studies.first_look.image import ImageResult, ImageRun
from napari_graft.studies.generalists import is_generalist_id
from napari_graft.studies.results import KeptResults, program_checksum
from napari_graft.studies.targets import (
    FIRST_LOOK_TARGETS,
    LabelledImages,
    LabelledSet,
    choose_images,
    open_images,
)

NAME = "first-look"


@dataclass(frozen=True, slots=True)
class FirstLookRequest:
    """Request for the benchmark.

    Parameters
    ----------
    out
        Folder for the result and for all that is found on the way, which is used again.
    data
        Folder with the labelled sets.
    targets
        The sets.
    most_images
        Of each set, unless so many hold too few objects; see `choose_images`.
    against
        An earlier result to compare with, or None.
    n_tiles
        How many tiles are painted of each image afterwards, with its truth, to train on; see `TilePainter`.
    outputs
        What may be written where.
    """

    out: Path
    data: Path
    targets: tuple[LabelledSet, ...] = FIRST_LOOK_TARGETS
    most_images: int = 4
    against: Path | None = None
    n_tiles: int = 0
    outputs: Outputs = field(default_factory=Outputs)

    def quick(self) -> FirstLookRequest:
        """Return a request for one image of the first set, to see whether it runs."""
        return replace(self, targets=self.targets[:1], most_images=1)

    def only(self, names: list[str]) -> FirstLookRequest:
        """Return a request for some sets: by their names, with or without the structure, or by structure.

        Raises
        ------
        InputError
            If nothing is called so.
        """
        for name in names:
            if not any(name in target.names for target in self.targets):
                known = ", ".join(target.key for target in self.targets)
                raise InputError(f"no labelled set is called {name!r}: choose from {known}")
        chosen = tuple(target for target in self.targets if target.names & set(names))
        return replace(self, targets=chosen)


def run_first_look(request: FirstLookRequest, *, report: Report, cancel: CancelToken) -> FirstLook:
    """Play every image of every set the stranger's, and write what came of it to ``first-look.json``.

    An image that was finished before by the same program with the same sources is not looked at again.

    Raises
    ------
    InputError
        If a set is missing, or the earlier result cannot be used.
    Cancelled
        When asked to stop; the finished images are kept.
    """
    for target in request.targets:
        target.check(request.data)
    path = request.out / f"{NAME}.json"
    before = None if request.against is None else _read_earlier(request.against, path, request.outputs)
    study = _Study(request, report, cancel)
    results = [study.measure(number) for number in range(len(request.targets))]
    rows = [set_row(target, images) for target, images in zip(request.targets, results, strict=True)]
    if before is not None:
        rows = compare(rows, before.rows)
        _tell_incomparable(rows, report)
    found = FirstLook(
        program=program_checksum(),
        rows=tuple(rows),
        medians=medians(rows),
        images=tuple(result for images in results for result in images),
    )
    request.outputs.write(path, document_bytes(found, indent=2) + b"\n", JSON)
    return found


def _read_earlier(against: Path, out: Path, outputs: Outputs) -> FirstLook:
    beside = replace(outputs, inputs=(*outputs.inputs, Input(against, "the earlier result")))
    beside.check_file(out, JSON)
    return read_document(FirstLook, against, "earlier result", follow_links=True)


def _tell_incomparable(rows: list[SetRow], report: Report) -> None:
    names = ", ".join(row.target for row in rows if row.before is None)
    if names:
        report(note(f"the earlier result has no score of the same images for these: {names}"))


class _Study:
    """Run of the benchmark over the images of one set after the other."""

    def __init__(self, request: FirstLookRequest, report: Report, cancel: CancelToken) -> None:
        self._request = request
        self._report = report
        self._cancel = cancel
        self._kept = KeptResults(ImageResult, request.out / f"{NAME}-images.jsonl")
        self._catalogue = Catalogue()

    def measure(self, number: int) -> list[ImageResult]:
        """Return what came of the images of a set, by its number."""
        target = self._request.targets[number]
        # The images are nobody's to keep: they go when the work is done.
        with tempfile.TemporaryDirectory(prefix="napari-graft-") as folder:
            images = open_images(target, self._request.data, Path(folder) / "set")
            self._tell_cropped(images)
            chosen = self._choose(images)
            results = []
            for i, (image, share) in enumerate(_with_share(chosen)):
                words = f"target {target.key}, image {i + 1} of {len(chosen)}"
                self._report(Progress(number + share, len(self._request.targets), words))
                results.append(self._measure_image(images, image, Path(folder)))
            return results

    def _measure_image(self, images: LabelledImages, image: int, folder: Path) -> ImageResult:
        self._cancel.raise_if_cancelled()
        run = ImageRun(images, image, self._catalogue, self._cancel, self._request.n_tiles)
        asked = run.asked()
        known = self._kept.find(asked)
        if known is None:
            known = ImageResult.model_validate(asked | run.measure(folder))
            self._kept.add(known)
        return known

    def _choose(self, images: LabelledImages) -> list[int]:
        named = self._request.data / images.target.name / images.target.image
        is_seen = any(trained_on(source, named) for source in self._catalogue.sources())
        return choose_images(images.n_objects(), self._request.most_images, is_whole=not is_seen)

    def _tell_cropped(self, images: LabelledImages) -> None:
        if images.shape != images.whole_shape:
            shown, whole = (" × ".join(str(n) for n in shape) for shape in (images.shape, images.whole_shape))
            words = f"{images.target.key}: the middle {shown} of {whole} pixels are looked at"
            self._report(note(words))


def _with_share(chosen: list[int]) -> Iterator[tuple[int, float]]:
    yield from ((image, i / len(chosen)) for i, image in enumerate(chosen))


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
        Scores of the first on the objects that no painted tile touches, as it is and after a training on
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
