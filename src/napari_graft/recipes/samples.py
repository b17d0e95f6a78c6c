"""Samples: the labelled images that a recipe names, as recorded and on the grid of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError, UnclearImageError
from napari_graft.core.labels import to_annotation
from napari_graft.core.pairing import FileSeries, pair_files
from napari_graft.core.tile import Tile
from napari_graft.imaging.faults.registry import record_anew
from napari_graft.imaging.intensity import estimate_intensity_range, local_contrast
from napari_graft.imaging.resample import resample_image, resample_labels
from napari_graft.inference.view import scale_factors
from napari_graft.io import Volume, open_labels, open_volume
from napari_graft.io.labels import MaskMeaning
from napari_graft.recipes.recipe import ImageEntry
from napari_graft.sources.network_spec import NetworkSpec

TEST_SHARE = 5
"""The last fifth of a set is only scored."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Sample: a part of an image on the grid of the model with its segmentation.

    Parameters
    ----------
    image
        Normalised, float32 (y, x) for a 2-D model and (z, y, x) for a 3-D one.
    segments
        0 background, 1… objects, int32, same shape.
    group
        Number of the image or block of slices that it comes from.
    faulty
        Copies of the image with faults of microscopes, to be trained on beside it; same shape.
    weight
        How often a patch is drawn from it; see `Example`.
    """

    image: NDArray[np.float32]
    segments: NDArray[np.int32]
    group: int
    faulty: tuple[NDArray[np.float32], ...] = ()
    weight: float = 1.0

    @property
    def annotation(self) -> NDArray[np.int32]:
        """The segmentation as a complete annotation."""
        return to_annotation(self.segments).astype(np.int32)

    def cut(self, box: tuple[slice, ...]) -> Sample:
        """Return a part of it, without the copies; axes that the box does not name are kept whole."""
        image, segments = self.image[box], self.segments[box]
        return Sample(np.ascontiguousarray(image), np.ascontiguousarray(segments), self.group)


@dataclass(frozen=True, slots=True)
class DatasetSplit:
    """Dataset split: samples to train on, to choose the best checkpoint by, and to score on."""

    train: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    test: tuple[Sample, ...]
    image_sha256s: tuple[str, ...] = ()


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


Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RawSample:
    """Raw sample: a slice or a volume on the grid of its file, of which a part becomes a `Sample`.

    Parameters
    ----------
    entry
        What the recipe says of it.
    image
        Normalised, float32 (y, x) or (z, y, x).
    segments
        0 background, 1… objects, int32, same shape.
    spec
        The model.
    diameter
        Of the objects, in pixels of the image; see `scale_factors`.
    group
        Number of the image or block of slices that it comes from.
    box
        The part, on the grid of the model; axes that it does not name are kept whole.
    """

    entry: ImageEntry
    image: Image
    segments: NDArray[np.int32]
    spec: NetworkSpec
    diameter: float | None = None
    group: int = 0
    box: tuple[slice, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all of it on the grid of the model."""
        size = self.entry.pixel_size
        axes = Axes(("z", "y", "x")[-self.image.ndim :], size and size[-self.image.ndim :], "nm")
        factors = scale_factors(axes, self.spec, self.diameter)
        return tuple(max(1, round(n * f)) for n, f in zip(self.image.shape, factors, strict=True))

    def prepare(self) -> Sample:
        """Bring it to the scale and contrast of the model, its labels to what the entry wants."""
        return Sample(self.prepare_image(), self._prepare_segments(), self.group)

    def prepare_image(self, fault: Callable[[Image], Image] | None = None) -> Image:
        """Return the image of the sample, with a fault where one is given; see `record_anew`."""
        # Faults come in pixels of the image, and before anything is measured on it.
        image = self.image if fault is None else record_anew(self.image, fault)
        if self.shape != image.shape:
            image = resample_image(image, self.shape)
        if self.spec.contrast_window is not None:
            image = local_contrast(image, self.spec.contrast_window)
        return np.ascontiguousarray(image[self.box])

    def _prepare_segments(self) -> NDArray[np.int32]:
        from skimage.measure import label
        from skimage.segmentation import find_boundaries

        segments = self.segments
        if self.shape != segments.shape:
            segments = resample_labels(segments, self.shape).astype(np.int32)
        if self.entry.split_objects:
            segments = label(segments, connectivity=1)
        for _ in range(self.entry.border):
            segments = np.where(find_boundaries(segments, mode="inner", connectivity=1), 0, segments)
        return np.ascontiguousarray(segments[self.box], dtype=np.int32)


@dataclass(frozen=True, slots=True)
class RawDatasetSplit:
    """Dataset split on the grid of the files, of which a `DatasetSplit` is made."""

    train: tuple[RawSample, ...]
    validation: tuple[RawSample, ...]
    test: tuple[RawSample, ...]
    image_sha256s: tuple[str, ...] = ()
