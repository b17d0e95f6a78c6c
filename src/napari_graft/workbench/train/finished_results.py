"""What part of the image a result covers, and whether it is whole and of the pixels of now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.io.integrity import PixelRecord, compare_pixels, damaged_blocks, where
from napari_graft.io.volume import Volume
from napari_graft.project.image_file import ImageChoice
from napari_graft.project.results import Result, written_results
from napari_graft.workbench.train.rounds import round_name

LARGEST = 32_000_000
"""Pixels that are segmented without being asked for; a processor of two cores does these in a few minutes."""
_MARGIN = 256


def region_to_segment(
    shape: tuple[int, ...], tiles: Sequence[Tile], place: tuple[int, ...] | None, largest: int = LARGEST
) -> Tile:
    """Return the whole image where it is small, else a box around the tiles and what the user looks at.

    Parameters
    ----------
    shape
        Of the image.
    tiles
        Those that are painted or to be painted.
    place
        Pixel that the user looks at, None where that is not known.
    largest
        Pixels of the box at most. What exceeds them is cut off far from `place`: slices first.
    """
    whole = Tile((0,) * len(shape), shape)
    if whole.n_pixels <= largest:
        return whole
    centre = place or (_centre(tiles[0]) if tiles else _centre(whole))
    centre = tuple(int(np.clip(c, 0, n - 1)) for c, n in zip(centre, shape, strict=True))
    boxes = [*tiles, Tile(centre, (1,) * len(shape))]
    start = np.min([box.start for box in boxes], axis=0)
    stop = np.max([box.stop for box in boxes], axis=0)
    margin = (0,) * (len(shape) - 2) + (_MARGIN, _MARGIN)
    box = Tile(tuple(map(int, start)), tuple(map(int, stop - start))).grow(margin).clip(shape)
    return _cut(box, centre, largest)


def _cut(box: Tile, centre: tuple[int, ...], largest: int) -> Tile:
    """Shorten a box around its pixel `centre`, along z as far as that goes, then along y and x."""
    n_before, plane = box.ndim - 2, box.shape[-2] * box.shape[-1]
    side = int(largest**0.5)
    lengths = [max(1, min(n, largest // plane)) for n in box.shape[:n_before]]
    if plane > largest:
        # A long and narrow plane keeps its whole width.
        narrow = min(box.shape[-2:])
        lengths += [min(n, side if narrow > side else largest // narrow) for n in box.shape[-2:]]
    else:
        lengths += box.shape[-2:]
    start = [
        min(max(c - n // 2, a), b - n)
        for c, n, a, b in zip(centre, lengths, box.start, box.stop, strict=True)
    ]
    return Tile(tuple(start), tuple(lengths))


def region_text(region: Tile) -> str:
    """Return a region as `PredictJob` and the command line take it.

    >>> region_text(Tile((2, 0), (3, 8)))
    '2:5,0:8'
    """
    return ",".join(f"{a}:{b}" for a, b in zip(region.start, region.stop, strict=True))


def _centre(tile: Tile) -> tuple[int, ...]:
    return tuple(a + n // 2 for a, n in zip(tile.start, tile.shape, strict=True))


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
