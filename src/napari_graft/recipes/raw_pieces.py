"""Samples as they were recorded, and how they come to the grid of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.imaging.contrast import local_contrast
from napari_graft.imaging.faults.recorded import record_anew
from napari_graft.imaging.resample import resample_image, resample_labels
from napari_graft.inference.view import scale_factors
from napari_graft.recipes.pieces import Sample
from napari_graft.recipes.recipe import ImageEntry
from napari_graft.sources.network_spec import NetworkSpec

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
