"""A circle on the image that shows how wide the wanted objects are taken to be, and how it is dragged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import dist
from typing import Literal

from napari_graft.project.manifest import MAX_DIAMETER

Grip = Literal["rim", "inside"]
Point = tuple[float, float]
_SMALLEST = 2.0
_SHARE_OF_IMAGE = 0.1
"""Width of the first circle, as a share of the shorter side, where nothing is known of the objects."""


@dataclass(frozen=True, slots=True)
class ObjectCircle:
    """A circle in a plane of the image.

    Parameters
    ----------
    centre
        Its middle (y, x), in pixels.
    diameter
        In pixels.
    """

    centre: Point
    diameter: float

    def grip(self, point: Point, tolerance: float) -> Grip | None:
        """Return what somebody takes hold of at a point, None where that is neither rim nor inside.

        Parameters
        ----------
        tolerance
            So far from the rim, in pixels, it is still meant; however small a circle is, it has an inside.
        """
        away, radius = dist(point, self.centre), self.diameter / 2
        if radius - min(tolerance, radius / 2) <= away <= radius + tolerance:
            return "rim"
        return "inside" if away < radius else None

    def dragged(self, grip: Grip, start: Point, to: Point, shape: Sequence[int]) -> ObjectCircle:
        """Return the circle after a drag: its rim goes with the mouse about its centre, or all of it moves.

        Parameters
        ----------
        shape
            Of the image, in which the centre stays.
        """
        if grip == "rim":
            wider = 2 * (dist(to, self.centre) - dist(start, self.centre))
            return replace(self, diameter=min(float(MAX_DIAMETER), max(_SMALLEST, self.diameter + wider)))
        moved = (self.centre[0] + to[0] - start[0], self.centre[1] + to[1] - start[1])
        return replace(self, centre=_inside(moved, shape))


def first_circle(centre: Point, shape: Sequence[int], diameter: float | None) -> ObjectCircle:
    """Return the circle to begin with: about a point, and of the diameter that is known, if any.

    Parameters
    ----------
    centre
        Middle of what is seen, (y, x).
    shape
        Of the image.
    """
    shown = max(_SMALLEST, _SHARE_OF_IMAGE * min(shape[-2:])) if diameter is None else diameter
    return ObjectCircle(_inside(centre, shape), shown)


def _inside(point: Point, shape: Sequence[int]) -> Point:
    y, x = (min(max(0.0, at), n - 1.0) for at, n in zip(point, shape[-2:], strict=True))
    return y, x
