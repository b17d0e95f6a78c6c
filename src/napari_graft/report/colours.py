"""Colours for objects: neighbours differ, and the same object has the same colour in every picture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.report.overlap import overlap_of
from napari_graft.report.pictures import Rgb, blend

# The light and the muted scheme of Paul Tol's technical note (2021): told apart with any colour vision.
PALETTE = np.array(
    [
        (119, 170, 221), (238, 136, 102), (238, 221, 136), (255, 170, 187), (68, 187, 153), (187, 204, 51),
        (204, 102, 119), (51, 34, 136), (17, 119, 51), (136, 34, 85), (153, 221, 255), (170, 68, 153),
    ],
    np.uint8,
)  # fmt: skip
_REACH = 6
_FILL, _EDGE = 0.62, 1.0

Colouring = dict[int, int]
Labels = NDArray[np.int64]


def colour_objects(
    labels: NDArray[np.int64], rng: np.random.Generator, fixed: Mapping[int, int] | None = None
) -> Colouring:
    """Choose an index of `PALETTE` for each label of a dense label image, another one than its neighbours'.

    Objects with more neighbours than colours may share one; `fixed` colours are kept.
    """
    chosen = dict(fixed or {})
    neighbours = _neighbours(labels)
    for label in rng.permutation(int(labels.max())) + 1:
        if int(label) in chosen:
            continue
        taken = [chosen[n] for n in neighbours.get(int(label), ()) if n in chosen]
        uses = np.bincount(taken, minlength=len(PALETTE))
        chosen[int(label)] = int(rng.choice(np.flatnonzero(uses == uses.min())))
    return chosen


def match_colours(
    segments: NDArray[np.int64], truth: NDArray[np.int64], of_truth: Colouring, rng: np.random.Generator
) -> Colouring:
    """Give each segment the colour of the object it stands for, and the others one of their own."""
    partners = overlap_of(segments, truth).partners()
    return colour_objects(segments, rng, {segment: of_truth[j] for segment, j in partners.items()})


def paint_objects(image: NDArray[np.uint8], labels: NDArray[np.int64], colouring: Colouring) -> Rgb:
    """Lay the colours of a dense label image over its grey image, each object with a dark outline."""
    table = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    for label, index in colouring.items():
        table[label] = PALETTE[index]
    edges = _edges(labels)
    colours = np.where(edges[..., np.newaxis], table[labels] // 3, table[labels])
    strength = np.where(labels > 0, _FILL, 0.0)
    strength[edges] = _EDGE
    return blend(image, colours, strength.astype(np.float32))


def _edges(labels: Labels) -> NDArray[np.bool]:
    """Mark the pixels of objects that have a pixel of something else above, below, left or right."""
    is_edge = np.zeros(labels.shape, np.bool)
    for axis in (0, 1):
        there, here = _shifted(labels, axis, 1)
        differ = there != here
        edges_there, edges_here = _shifted(is_edge, axis, 1)
        edges_there |= differ
        edges_here |= differ
    return is_edge & (labels > 0)


def _neighbours(labels: Labels) -> dict[int, set[int]]:
    """Return the labels that lie within a few pixels of each label, in its rows or columns."""
    found: dict[int, set[int]] = {}
    for axis, gap in product((0, 1), range(1, _REACH + 1)):
        there, here = _shifted(labels, axis, gap)
        differ = (there != here) & (there > 0) & (here > 0)
        for one, other in np.unique(np.stack([there[differ], here[differ]], axis=1), axis=0).tolist():
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return found


def _shifted(array: NDArray[Any], axis: int, gap: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return views of the array without its first, and without its last `gap` rows or columns."""
    moved = np.moveaxis(array, axis, 0)
    return moved[gap:], moved[:-gap]
