"""Read the labelled images that a recipe names, and bring parts of them to the grid of the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import estimate_intensity_range
from napari_graft.imaging.resample import resample_image, resample_labels, scaled_shape
from napari_graft.io import open_labels, open_volume
from napari_graft.recipes.pieces import Piece
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
        If there is none, or they do not pair up.
    """
    images, labels = sorted(folder.glob(entry.image)), sorted(folder.glob(entry.labels))
    if not images or len(images) != len(labels):
        raise InputError(
            f"{entry.image!r} names {len(images)} images and {entry.labels!r} {len(labels)} label files in "
            f"{str(folder)!r}: they must pair up; check the recipe's folder"
        )
    return list(zip(images, labels, strict=True))


def read_stack(image_path: Path, labels_path: Path) -> Stack:
    """Read an image, of one plane where it is 2-D, and its labels.

    Raises
    ------
    InputError
        If their shapes differ.
    """
    volume = open_volume(str(image_path))
    labels = open_labels(str(labels_path))
    if volume.shape != labels.shape:
        raise InputError(
            f"{image_path.name} has shape {volume.shape}, its labels {labels.shape}: they must agree"
        )
    intensity = estimate_intensity_range(volume, np.random.default_rng(0))
    whole = Tile((0,) * len(volume.shape), volume.shape)
    images = intensity.normalise(volume.read(whole))
    segments = np.asarray(labels.read_raw(whole)).astype(np.int32)
    if images.ndim == 2:
        images, segments = images[None], segments[None]
    return Stack(images, segments)


def prepare(
    entry: ImageEntry,
    image: NDArray[np.float32],
    segments: NDArray[np.int32],
    pixel_size: tuple[float, ...] | None,
) -> Piece:
    """Bring a slice or a volume to the pixel size of the model, and its labels to what the entry wants."""
    from skimage.measure import label
    from skimage.segmentation import find_boundaries

    if entry.pixel_size is not None and pixel_size is not None:
        shape = scaled_shape(image.shape, entry.pixel_size[-image.ndim :], pixel_size)
        image, segments = resample_image(image, shape), np.asarray(resample_labels(segments, shape))
    if entry.split_objects:
        segments = label(segments, connectivity=1)
    for _ in range(entry.border):
        segments = np.where(find_boundaries(segments, mode="inner", connectivity=1), 0, segments)
    return Piece(np.ascontiguousarray(image), np.ascontiguousarray(segments, dtype=np.int32), 0)
