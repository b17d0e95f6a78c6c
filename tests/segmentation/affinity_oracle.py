"""Oracle of the targets of training: affinities and foreground of an annotation, by another library."""

from __future__ import annotations

from collections.abc import Sequence

import bioimage_cpp.affinities
import numpy as np
from numpy.typing import NDArray

from napari_graft.core.labels import BACKGROUND, FIRST_OBJECT, UNLABELLED

Floats = NDArray[np.float32]
Mask = NDArray[np.bool]


def affinities_from_labels(
    annotation: NDArray[np.integer], offsets: Sequence[Sequence[int]]
) -> tuple[Floats, Mask]:
    """Return the affinities of an annotation, and where they are known.

    The affinity of pixel p for the offset o is 1 where p and p + o belong to the same object, else 0. A pair
    with one or both ends in the background has affinity 0: a thin membrane is then a band of low affinity of
    its full width, and a background pixel that slips into the foreground mask is tied to nothing, whichever
    way the background looks. Nothing is known of a pair with an unlabelled end, or with an end outside the
    image.

    Parameters
    ----------
    annotation
        0 unlabelled, 1 background, 2… objects, 2-D or 3-D.
    offsets
        K offsets in pixels, in the order of the axes.

    Returns
    -------
    affinities
        (K, *spatial) float32, 0 or 1.
    mask
        (K, *spatial), True where the affinity is known.
    """
    affinities, known = bioimage_cpp.affinities.compute_affinities(
        annotation.astype(np.int64, copy=False), offsets, ignore_label=UNLABELLED
    )
    affinities *= annotation != BACKGROUND
    return affinities, known.view(bool)


def foreground_from_labels(annotation: NDArray[np.integer]) -> tuple[Floats, Mask]:
    """Return 1 where an object was painted, else 0, as float32; and where anything was painted."""
    return (annotation >= FIRST_OBJECT).astype(np.float32), annotation != UNLABELLED
