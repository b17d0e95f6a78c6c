"""What the tab Data shows, with the circle on the image that shows how wide the wanted objects are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import dist
from pathlib import Path
from typing import ClassVar, Literal

from psygnal import SignalGroupDescriptor

from napari_graft.core.errors import InputError
from napari_graft.core.tile import USUAL_SIDE
from napari_graft.io.pixel_sizes import NO_NOTE, SizeNote
from napari_graft.io.regular_files import split_location
from napari_graft.project.manifest import MAX_DIAMETER
from napari_graft.session.projects.object_diameter import NOT_KNOWN, KnownDiameter
from napari_graft.sources.card import Structure
from napari_graft.workbench.data.layer_image import ExtraAxis, LayerImage, read_as
from napari_graft.workbench.data.project_opening import LostImage

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


@dataclass(slots=True, weakref_slot=True)
class DataState:
    """State of the tab Data.

    Parameters
    ----------
    image
        The chosen layer, None before one is chosen.
    extra_axes
        What its axes beside y and x are; none where the image is that of the project.
    pixel_size, unit
        Length of a pixel along each spatial axis, None where not known.
    is_size_from_layer
        Whether the pixel size is that of the layer and not typed in.
    is_size_typed
        Whether the user has typed it, also where the fields are empty now.
    size_note
        Where the pixel size is from, and what looked odd there; empty where it was typed in.
    structure
        What is to be segmented, None before the user says.
    object_diameter
        How wide the user says the wanted objects are, in pixels; None where the program is to find it.
    known_diameter
        How wide they are taken to be, and how that is known.
    diameter_error
        What is wrong with the width as it was typed; the one before holds until that is mended.
    circle
        What shows on the image how wide they are, None where it is not shown.
    folder
        Where the project will be.
    is_inverted
        Whether dark and bright are swapped before a network sees the image.
    tile_side
        Side of the tiles to paint, in pixels.
    hint
        What looks odd, in one line.
    size_error
        What is wrong with the pixel size as it is typed; the one before holds until that is mended.
    is_of_project
        Whether the chosen image is that of the open project: what is changed here changes the project then.
    fixed
        Why pixel size, width of objects and contrast of the project cannot be changed, empty where they can.
    is_opening
        Whether a project is being made or opened.
    lost
        The project that could not be opened for want of its image, None where there is none.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    image: LayerImage | None = None
    extra_axes: tuple[ExtraAxis, ...] = ()
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    is_size_from_layer: bool = False
    is_size_typed: bool = False
    size_note: SizeNote = NO_NOTE
    structure: Structure | None = None
    object_diameter: float | None = None
    known_diameter: KnownDiameter = NOT_KNOWN
    diameter_error: str = ""
    circle: ObjectCircle | None = None
    folder: Path | None = None
    is_inverted: bool = False
    tile_side: int = USUAL_SIDE
    hint: str = ""
    size_error: str = ""
    is_of_project: bool = False
    fixed: str = ""
    is_opening: bool = False
    lost: LostImage | None = None

    @property
    def spatial_axes(self) -> tuple[int, ...]:
        """Axes of the layer along which a pixel has a length, as far as is known; z first, y and x last."""
        n_axes = 0 if self.image is None else len(self.image.shape)
        extra = {one.axis: one.meaning for one in self.extra_axes}
        slices = [axis for axis in extra if extra[axis] == "slices"][:1]
        return (*slices, *(axis for axis in range(n_axes) if axis not in extra))

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """Pixels of the layer along these axes; none before an image is chosen."""
        return () if self.image is None else tuple(self.image.shape[axis] for axis in self.spatial_axes)

    @property
    def n_spatial(self) -> int:
        """Number of those axes, two before an image is chosen."""
        return max(2, min(3, len(self.spatial_axes)))

    def understood(self) -> LayerImage:
        """Return the chosen image with its axes as they are understood.

        Raises
        ------
        InputError
            If none is chosen, or somebody has to say first what they are.
        """
        if self.image is None:
            raise InputError("no image is chosen: open one, or try the sample")
        return read_as(self.image, self.extra_axes) if self.extra_axes else self.image


def default_folder(image: LayerImage) -> Path:
    """Return where a project for an image lies unless the user says otherwise: beside it, or in the home."""
    stem = "".join(c if c.isalnum() or c in "-_ " else "-" for c in image.name).strip() or "image"
    place = Path.home() if image.path is None else Path(split_location(image.path)[0]).expanduser().parent
    return place / f"{stem}.graft"
