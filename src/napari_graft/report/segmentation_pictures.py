"""Pictures of segmentations: objects in colours that match, where they are wrong, each place side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.report.drawing import Picture, Rgb, blend, picture_of
from napari_graft.report.record import Panel, percent, slug

Labels = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Overlap table of segments and true objects, both with dense labels.

    Attributes
    ----------
    table
        Pixels of segment i and object j at (i, j); row and column 0 are background.
    """

    table: NDArray[np.int64]

    @property
    def object_of(self) -> NDArray[np.intp]:
        """For each segment, the object that fills most of it; 0 where more than half is background."""
        return _largest_partner(self.table)

    @property
    def segment_of(self) -> NDArray[np.intp]:
        """For each object, the segment that fills most of it; 0 where more than half is background."""
        return _largest_partner(self.table.T)

    def partners(self) -> dict[int, int]:
        """Return object by segment for those that are each the largest of the other's objects.

        A segment belongs to the object that fills most of its coloured part; of several segments of one
        object the largest gets it.
        """
        shared = self.table[1:, 1:]
        if shared.size == 0:
            return {}
        best_object = shared.argmax(axis=1)
        best_segment = np.where(np.arange(shared.shape[1]) == best_object[:, np.newaxis], shared, -1).argmax(
            axis=0
        )
        return {
            int(segment) + 1: j + 1
            for j, segment in enumerate(best_segment)
            if best_object[segment] == j and shared[segment, j] > 0
        }


def _largest_partner(table: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the column with most pixels of each row, 0 only where it has more than half of them."""
    shared = table[:, 1:]
    best = shared.argmax(axis=1) + 1 if shared.shape[1] else np.zeros(len(table), np.intp)
    return np.where((2 * table[:, 0] > table.sum(axis=1)) | ~shared.any(axis=1), 0, best)


def dense(labels: Labels) -> NDArray[np.int64]:
    """Return the labels numbered 1… in rising order; background stays 0."""
    names, index = np.unique(labels, return_inverse=True)
    return index.reshape(labels.shape) + (0 if names.size and names[0] == 0 else 1)


def overlap_of(segments: NDArray[np.int64], truth: NDArray[np.int64]) -> Overlap:
    """Return the overlap of two dense label images of one shape."""
    n_segments, n_objects = int(segments.max()) + 1, int(truth.max()) + 1
    pairs = np.bincount((segments * n_objects + truth).ravel(), minlength=n_segments * n_objects)
    return Overlap(pairs.reshape(n_segments, n_objects))


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
_DenseLabels = NDArray[np.int64]


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


def _edges(labels: _DenseLabels) -> NDArray[np.bool]:
    """Mark the pixels of objects that have a pixel of something else above, below, left or right."""
    is_edge = np.zeros(labels.shape, np.bool)
    for axis in (0, 1):
        there, here = _shifted(labels, axis, 1)
        differ = there != here
        edges_there, edges_here = _shifted(is_edge, axis, 1)
        edges_there |= differ
        edges_here |= differ
    return is_edge & (labels > 0)


def _neighbours(labels: _DenseLabels) -> dict[int, set[int]]:
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


class Mistake(IntEnum):
    """What is wrong with a pixel."""

    NOTHING = 0
    CORRECT = 1
    JOINED = 2
    CUT = 3
    MISSED = 4
    INVENTED = 5


@dataclass(frozen=True, slots=True)
class Kind:
    """How the page shows and calls a mistake."""

    mistake: Mistake
    name: str
    meaning: str
    colour: tuple[int, int, int]
    strength: float


# Vermilion, blue, yellow and purple of Okabe and Ito (2008): told apart with any colour vision.
KINDS = (
    Kind(
        Mistake.JOINED,
        "joined",
        "part of another object that was given to its neighbour",
        (230, 85, 13),
        0.85,
    ),
    Kind(Mistake.CUT, "cut off", "piece of an object that became an object of its own", (46, 134, 222), 0.85),
    Kind(Mistake.MISSED, "missed", "object that was taken for background", (240, 228, 66), 0.8),
    Kind(Mistake.INVENTED, "invented", "background that was taken for an object", (204, 121, 167), 0.8),
)


def find_mistakes(segments: NDArray[np.int64], truth: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return a `Mistake` for each pixel of two dense label images of one shape.

    A segment belongs to the object that fills most of it, and an object has the segment that fills most of
    it; none where more than half is background. A pixel of another object within a segment is joined. A pixel
    within a segment of its own object, but not the object's own segment, is cut off. An object without a
    segment is missed, a segment without an object invented. An outline that is drawn a little too small or
    too large counts as correct.
    """
    overlap = overlap_of(segments, truth)
    own_object, own_segment = overlap.object_of[segments], overlap.segment_of[truth]
    is_object, is_segment = truth > 0, segments > 0
    found = np.where(is_object, Mistake.CORRECT, Mistake.NOTHING).astype(np.uint8)
    within = is_object & is_segment
    found[within & (own_object == truth) & (own_segment != segments) & (own_segment > 0)] = Mistake.CUT
    found[within & (own_object != truth) & (own_object > 0)] = Mistake.JOINED
    found[is_object & ~is_segment & (own_segment == 0)] = Mistake.MISSED
    found[is_segment & (own_object == 0)] = Mistake.INVENTED
    return found


def paint_mistakes(image: NDArray[np.uint8], mistakes: NDArray[np.uint8]) -> Rgb:
    """Lay the colours of the mistakes over the grey image; what is correct stays a faint grey."""
    colours = np.zeros((len(Mistake), 3), np.uint8)
    strengths = np.zeros(len(Mistake), np.float32)
    colours[Mistake.CORRECT], strengths[Mistake.CORRECT] = (255, 255, 255), 0.35
    for kind in KINDS:
        colours[kind.mistake], strengths[kind.mistake] = kind.colour, kind.strength
    return blend(image, colours[mistakes], strengths[mistakes])


def mistake_shares(mistakes: NDArray[np.uint8], truth: NDArray[np.int64]) -> dict[Mistake, float]:
    """Return the area of each kind of mistake as a share of the area of true objects; empty without any."""
    area = int(np.count_nonzero(truth))
    if area == 0:
        return {}
    return {kind.mistake: np.count_nonzero(mistakes == kind.mistake) / area for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Found:
    """Segmentation of a place by one model.

    Parameters
    ----------
    name
        Of the model.
    objects, errors
        Its objects, and where they are wrong.
    summary
        How much is wrong, in words.
    """

    name: str
    objects: Picture
    errors: Picture
    summary: str


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the report: the image, the truth, and what each model made of it."""

    title: str
    image: Picture
    truth: Picture
    found: tuple[Found, ...]

    @property
    def pictures(self) -> Iterator[Picture]:
        """All pictures."""
        yield from (self.image, self.truth)
        for found in self.found:
            yield from (found.objects, found.errors)


def show_place(panel: Panel, index: int, rng: np.random.Generator) -> Place:
    """Draw the pictures of the panel with this number; equal objects have equal colours in all of them."""
    name = f"place-{index}"
    truth = dense(panel.truth)
    of_truth = colour_objects(truth, rng)
    found = [
        _show_found(panel, title, (truth, of_truth), f"{name}-{i}-{slug(title)}", rng)
        for i, title in enumerate(panel.segmentations, start=1)
    ]
    return Place(
        panel.place,
        picture_of(panel.image, f"{name}-image", f"The image at {panel.place}."),
        picture_of(
            paint_objects(panel.image, truth, of_truth),
            f"{name}-truth",
            f"The {int(truth.max())} true objects at {panel.place}, each in its colour.",
        ),
        tuple(found),
    )


def _show_found(
    panel: Panel, title: str, true: tuple[NDArray[np.int64], Colouring], name: str, rng: np.random.Generator
) -> Found:
    truth, of_truth = true
    segments = dense(panel.segmentations[title])
    mistakes = find_mistakes(segments, truth)
    shares = mistake_shares(mistakes, truth)
    said = [
        f"{kind.name} {percent(shares[kind.mistake])}"
        for kind in KINDS
        if shares.get(kind.mistake, 0) >= 0.0005
    ]
    summary = ", ".join(said) or "no object is wrong"
    objects = paint_objects(panel.image, segments, match_colours(segments, truth, of_truth, rng))
    return Found(
        title,
        picture_of(objects, name, f"{title}: the {int(segments.max())} objects found at {panel.place}."),
        picture_of(
            paint_mistakes(panel.image, mistakes),
            f"{name}-errors",
            f"{title}: errors at {panel.place}, as shares of the area of the true objects: {summary}.",
        ),
        summary,
    )
