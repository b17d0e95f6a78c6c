"""Read the labelled images that a recipe names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError, UnclearImageError
from napari_graft.core.pairing import FileSeries, pair_files
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import estimate_intensity_range
from napari_graft.io import Volume, open_labels, open_volume
from napari_graft.io.masks import MaskMeaning
from napari_graft.recipes.recipe import ImageEntry


@dataclass(frozen=True, slots=True)
class Stack:
    """Images, normalised (z, y, x), and their segments, on the grid of the file."""

    images: NDArray[np.float32]
    segments: NDArray[np.int32]

    def cut(self, start: int, stop: int, axis: int = 0) -> Stack:
        """Return the planes from `start` to `stop` across `axis`."""
        box = (slice(None),) * axis + (slice(start, stop),)
        return Stack(self.images[box], self.segments[box])


def find_pairs(entry: ImageEntry, folder: Path) -> list[tuple[Path, Path]]:
    """Return the files of images and of their labels.

    Raises
    ------
    InputError
        If there is none, or one has no partner.
    """
    pairs = pair_files(_series(folder, entry.image), _series(folder, entry.labels))
    return [(folder / image, folder / labels) for image, labels in pairs]


def _series(folder: Path, pattern: str) -> FileSeries:
    names = tuple(path.relative_to(folder).as_posix() for path in folder.glob(pattern))
    if not names:
        raise InputError(f"no file matches {pattern!r} in {str(folder)!r}: check the recipe's folder")
    return FileSeries(pattern, names)


def read_stack(
    image_path: Path, labels_path: Path, mask: MaskMeaning | None = None, *, is_independent: bool = False
) -> Stack:
    """Read an image, of one plane where it is 2-D, and its labels.

    Parameters
    ----------
    mask
        As in `open_labels`.
    is_independent
        Whether each plane is an image of its own, with its own grey range.

    Raises
    ------
    InputError
        If their shapes differ, or the labels are a mask of several pieces and `mask` does not say what it is.
    """
    try:
        volume = open_volume(str(image_path))
        labels = open_labels(str(labels_path), mask=mask)
    except UnclearImageError as error:  # a recipe has no options for it
        raise InputError(f"{error.problem}: save it as OME-TIFF, whose axes are named") from None
    if volume.shape != labels.shape:
        raise InputError(
            f"{image_path.name} has shape {volume.shape}, its labels {labels.shape}: they must agree"
        )
    whole = Tile((0,) * len(volume.shape), volume.shape)
    if is_independent and len(volume.shape) == 3:
        no_data = volume.no_data if volume.channel_axis is None else None  # of colours it is no grey value
        planes = [Volume(plane, Axes(("y", "x")), no_data=no_data) for plane in volume.read(whole)]
        images = np.stack([_normalised(plane) for plane in planes])
    else:
        images = _normalised(volume)
    segments = with_small_ids(labels.read_raw(whole))
    if images.ndim == 2:
        images, segments = images[None], segments[None]
    return Stack(images, segments)


def _normalised(volume: Volume) -> NDArray[np.float32]:
    intensity = estimate_intensity_range(volume, np.random.default_rng(0))
    return intensity.normalise(volume.read(Tile((0,) * len(volume.shape), volume.shape)))


def with_small_ids(labels: NDArray[np.generic]) -> NDArray[np.int32]:
    """Return labels as int32; ids beyond its range are numbered anew, in their order."""
    if labels.size and labels.max() > np.iinfo(np.int32).max:
        ids, labels = np.unique(labels, return_inverse=True)
        # 0 stays the background, also where there is none
        labels = labels + (ids[0] > 0)
    return labels.astype(np.int32)
