"""Samples of images, 2-D or 3-D, and their split into those to train, validate and test on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.labels import to_annotation

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
    """

    image: NDArray[np.float32]
    segments: NDArray[np.int32]
    group: int
    faulty: tuple[NDArray[np.float32], ...] = ()

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
