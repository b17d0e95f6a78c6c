"""What a stranger's image gets from the first source as it is: the benchmark ``first-look``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import NOTE, CancelToken, Progress, Report
from napari_graft.io.file_kinds import JSON
from napari_graft.io.outputs import Input, Outputs
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.document import document_bytes, read_document
from napari_graft.sources.exclude import trained_on
from napari_graft.studies.first_look_image import ImageResult, ImageRun
from napari_graft.studies.first_look_table import FirstLook, SetRow, compare, medians, set_row
from napari_graft.studies.kept import KeptResults
from napari_graft.studies.labelled_images import LabelledImages, choose_images, open_images
from napari_graft.studies.program import program_checksum
from napari_graft.studies.targets import FIRST_LOOK_TARGETS, LabelledSet

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
            if not any(name in _names(target) for target in self.targets):
                known = ", ".join(target.key for target in self.targets)
                raise InputError(f"no labelled set is called {name!r}: choose from {known}")
        chosen = tuple(target for target in self.targets if _names(target) & set(names))
        return replace(self, targets=chosen)


def _names(target: LabelledSet) -> set[str]:
    return {target.name, target.key, target.structure}


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
        report(
            Progress(0, None, f"{NOTE}the earlier result has no score of the same images for these: {names}")
        )


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
            words = f"{NOTE}{images.target.key}: the middle {shown} of {whole} pixels are looked at"
            self._report(Progress(0, None, words))


def _with_share(chosen: list[int]) -> Iterator[tuple[int, float]]:
    yield from ((image, i / len(chosen)) for i, image in enumerate(chosen))
