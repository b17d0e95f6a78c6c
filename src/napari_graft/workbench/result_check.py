"""Whether a finished segmentation is whole, and of the pixels that the image holds now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io.damaged_blocks import damaged_blocks, where
from napari_graft.io.pixel_record import PixelRecord, compare_pixels
from napari_graft.io.volume import Volume
from napari_graft.project.image_choice import ImageChoice
from napari_graft.project.result_store import Result
from napari_graft.project.written_results import written_results
from napari_graft.workbench.start_points import round_name


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished segmentation to be checked.

    Parameters
    ----------
    key
        What tells it from the others: the id of its run, or its file.
    title
        What the user calls it.
    files
        Of the objects, and perhaps of the uncertainty.
    made_of
        The pixels that it was made of, None where that was not written down.
    """

    key: str
    title: str
    files: tuple[Path, ...]
    made_of: PixelRecord | None


@dataclass(frozen=True, slots=True)
class ResultDamage:
    """Damage of a finished segmentation.

    Parameters
    ----------
    key
        As of `Finished`.
    words
        For the user.
    is_damaged
        Whether it cannot be shown; else it is of other pixels than those of the image.
    """

    key: str
    words: str
    is_damaged: bool


def finished_round(result: Result) -> Finished:
    """Return the segmentation of a round as one to be looked at."""
    run = result.record.run
    return Finished(run, round_name(run), (result.labels, result.uncertainty), result.record.made_of)


def finished_in_files(folder: Path, files: Sequence[Path]) -> tuple[Finished, ...]:
    """Return those of `files` that were written for the project in `folder`, to be looked at."""
    made_of = {one.file(folder): one.made_of for one in written_results(folder)}
    return tuple(
        Finished(str(file), file.name, (file,), made_of.get(file.parent.resolve() / file.name))
        for file in files
    )


def find_faults(
    finished: Sequence[Finished], choice: ImageChoice, report: Report, cancel: CancelToken
) -> tuple[ResultDamage, ...]:
    """Look at segmentations of an image; this reads all of them, and perhaps of the image.

    Raises
    ------
    InputError
        If the image cannot be read.
    Cancelled
        When asked to stop.
    """
    image = choice.open()
    faults = (_fault(one, image, report, cancel) for one in finished)
    return tuple(fault for fault in faults if fault is not None)


def _fault(one: Finished, image: Volume, report: Report, cancel: CancelToken) -> ResultDamage | None:
    for file in one.files:
        words = _damage(file, image, report, cancel)
        if words:
            return ResultDamage(one.key, f"{one.title} {words}: segment again.", True)
    if one.made_of is None:
        return None
    try:
        sameness = compare_pixels(one.made_of, image, report, cancel)
    except InputError as error:
        return ResultDamage(one.key, f"{one.title} cannot be compared with the image: {error}", False)
    if sameness == "same":
        return None
    changed = {"changed": "have changed", "perhaps changed": "may have changed (its files were written to)"}
    words = f"The pixels of the image {changed[sameness]} since {one.title} was made: segment again."
    return ResultDamage(one.key, words, False)


def _damage(file: Path, image: Volume, report: Report, cancel: CancelToken) -> str:
    """Return what is damaged in a file, an empty text where it is whole."""
    try:
        boxes = damaged_blocks(file, report, cancel)
    except InputError as error:
        return f"cannot be read ({error})"
    if not boxes:
        return ""
    blocks = "1 block" if len(boxes) == 1 else f"{len(boxes)} blocks, the first"
    return f"is damaged: {blocks} at {where(boxes[0], image.axes.names)} of {file.name}"
