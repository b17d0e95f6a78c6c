"""The images of a labelled set, each by itself, as a stranger would bring it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.recipes.pieces import TEST_SHARE
from napari_graft.session.projects import ImageOptions
from napari_graft.studies.targets import LabelledSet

LEAST_OBJECTS = 25
"""Objects that the images of a set hold together: with fewer a score says little."""
LONGEST_SIDE = 1024
"""Of what is looked at of an image from an electron microscope, around its middle."""
_LIGHT = frozenset({"nuclei", "cells"})
"""Structures whose images are looked at whole: they come from light microscopes."""


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Images of two axes, cut from a labelled set.

    Parameters
    ----------
    target
        The set.
    image, labels
        The images and their truth, one image or a stack of them.
    pixel_size
        Nanometres along y and x, None where nobody knows.
    """

    target: LabelledSet
    image: Volume
    labels: Volume
    pixel_size: tuple[float, ...] | None

    def __len__(self) -> int:
        return self.image.shape[0] if len(self.image.shape) == 3 else 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along y and x that are looked at."""
        whole = self.whole_shape
        return whole if self.target.structure in _LIGHT else tuple(min(n, LONGEST_SIDE) for n in whole)

    @property
    def whole_shape(self) -> tuple[int, ...]:
        """Pixels of an image along y and x."""
        return self.image.shape[-2:]

    def truth(self, number: int) -> NDArray[np.uint32]:
        """Return the objects of an image where it is looked at, (y, x)."""
        return np.asarray(self.labels.read_raw(self._tile(number))).reshape(self.shape).astype(np.uint32)

    def n_objects(self) -> list[int]:
        """Return the number of true objects of each image."""
        return [int(np.count_nonzero(np.unique(self.truth(number)))) for number in range(len(self))]

    def write(self, number: int, folder: Path) -> ImageOptions:
        """Write an image as a file of its own, in a folder that bears the name of the set.

        By that name the program knows which sources have seen it.
        """
        path = folder / self.target.name / f"image_{number:03d}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = self.image.read_raw(self._tile(number))
        is_grey = self.image.channel_axis is None
        pixels = pixels.reshape(*self.shape, *(() if is_grey else pixels.shape[-1:]))
        metadata = {"axes": "YX" if is_grey else "YXS"}
        tifffile.imwrite(path, pixels, photometric="minisblack" if is_grey else "rgb", metadata=metadata)
        return ImageOptions(str(path), pixel_size=self.pixel_size, unit="nm", structure=self.target.structure)

    def _tile(self, number: int) -> Tile:
        before = (number,) * (len(self.image.shape) - 2)
        start = tuple((n - kept) // 2 for n, kept in zip(self.whole_shape, self.shape, strict=True))
        return Tile((*before, *start), (*(1,) * len(before), *self.shape))


def open_images(target: LabelledSet, data: Path, folder: Path) -> LabelledImages:
    """Open the images of a set; what must be made of several files goes to `folder`.

    Raises
    ------
    InputError
        If the set is not below `data`, or its files do not fit together.
    """
    options, labels = target.prepare(data, folder)
    size = None if options.pixel_size is None else options.pixel_size[-2:]
    return LabelledImages(target, options.choice.open(), open_labels(labels), size)


def choose_images(n_objects: Sequence[int], most: int, *, is_whole: bool) -> list[int]:
    """Return the numbers of the images of a set that are looked at.

    These are at most `most` of its test part, the last fifth, spread evenly; more where they hold fewer than
    `LEAST_OBJECTS` objects, first of the test part and then of all others.

    Parameters
    ----------
    n_objects
        True objects of each image; one without any is left out.
    is_whole
        Whether to take them from the whole set, as no source was trained on it.
    """
    n_test = len(n_objects) if is_whole else max(1, len(n_objects) // TEST_SHARE)
    held = [number for number, n in enumerate(n_objects) if n]
    test = [number for number in held if number >= len(n_objects) - n_test]
    chosen = _fewest(test, n_objects, most, LEAST_OBJECTS)
    lacking = LEAST_OBJECTS - sum(n_objects[number] for number in chosen)
    if lacking <= 0:
        return chosen
    others = [number for number in held if number not in chosen]
    return sorted([*chosen, *_fewest(others, n_objects, 1, lacking)])


def _fewest(numbers: Sequence[int], n_objects: Sequence[int], usual: int, wanted: int) -> list[int]:
    """Return evenly spread images: the usual number of them, or more until they hold what is wanted."""
    for n in range(min(usual, len(numbers)), len(numbers)):
        chosen = [numbers[i * len(numbers) // n] for i in range(n)]
        if sum(n_objects[number] for number in chosen) >= wanted:
            return chosen
    return list(numbers)
