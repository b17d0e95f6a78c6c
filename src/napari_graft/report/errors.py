"""Where a segmentation is wrong, and in which way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from napari_graft.report.overlap import overlap_of
from napari_graft.report.pictures import Rgb, blend


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
