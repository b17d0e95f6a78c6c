"""An image as it lies in a viewer: pixels, what is known of them, and what its axes beside y and x are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from napari_graft.core.axes import SPATIAL_NAMES, Axes
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report, ignore_progress
from napari_graft.io import Volume, open_volume
from napari_graft.io.axis_names import N_COLOURS, UNKNOWN
from napari_graft.io.channels import RGB, Channel
from napari_graft.io.layout import ArrangedArray
from napari_graft.io.opening import FileFacts
from napari_graft.io.pixel_sizes import NO_NOTE, SizeNote
from napari_graft.io.volume import LazyArray, refuse_unusable
from napari_graft.io.writers.image_copy import have_same_pixels


@dataclass(frozen=True, slots=True, eq=False)
class LayerImage:
    """Image of a layer, described without reading it.

    Parameters
    ----------
    name
        Name of the layer.
    data
        Pixels at full resolution, channels last where there are any.
    has_channels
        Whether the last axis holds red, green, blue (and alpha).
    pixel_size, unit
        Length of a pixel along each spatial axis, None where the layer does not say.
    path
        File that it was opened from, None where it was made in memory.
    layer
        What tells the layer from all others.
    project
        Folder of the project whose image it shows, None where it shows none.
    size_note
        Where the pixel size is from, and what is odd about it.
    channel
        Which channels of the file these are, as for `open_volume`.
    """

    name: str
    data: LazyArray
    has_channels: bool = False
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    path: str | None = None
    layer: str = ""
    project: str | None = None
    size_note: SizeNote = NO_NOTE
    channel: Channel | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each spatial axis."""
        return tuple(self.data.shape[:-1] if self.has_channels else self.data.shape)

    def axes(self) -> Axes:
        """Return the spatial axes.

        Raises
        ------
        InputError
            If there are other than two or three, or the pixels are no intensities.
        """
        refuse_unusable(self.shape, np.dtype(self.data.dtype), f"layer {self.name!r}")
        if len(self.shape) not in (2, 3):
            raise InputError(
                f"layer {self.name!r} has {len(self.shape)} axes, of shape {self.shape}: "
                "choose a 2-D image or a stack; of a time series, extract one time point first"
            )
        return Axes(SPATIAL_NAMES[-len(self.shape) :], self.pixel_size, self.unit)

    def volume(self) -> Volume:
        """Return the pixels as a volume, to be read box by box.

        Raises
        ------
        InputError
            If it has other than two or three spatial axes.
        """
        axes = self.axes()
        return Volume(self.data, axes, axes.ndim if self.has_channels else None, f"layer {self.name!r}")

    def is_in_file(self, *, report: Report | None = None, cancel: CancelToken | None = None) -> bool:
        """Say whether the file that it was opened from holds just these pixels, so that no copy is needed.

        A layer keeps the name of its file when its pixels are changed in napari, so all of them are compared.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        if self.path is None:
            return False
        try:
            return self.shows(open_volume(self.path, channel=self.channel), report=report, cancel=cancel)
        except InputError:  # what the copy needs may be in memory still
            return False

    def shows(
        self, stored: Volume, *, report: Report | None = None, cancel: CancelToken | None = None
    ) -> bool:
        """Say whether these are the pixels of a stored image.

        Raises
        ------
        InputError
            If pixels cannot be read.
        Cancelled
            When asked to stop.
        """
        return have_same_pixels(
            self.volume(), stored, report=report or ignore_progress, cancel=cancel or CancelToken()
        )


Meaning = Literal["slices", "channels", "colours", "time"]
SaidBy = Literal["", "file", "user"]

_OF_LETTER: dict[str, Meaning] = {"z": "slices", "c": "channels", "t": "time"}
_ONE_OF: dict[Meaning, str] = {"channels": "channel", "time": "time point"}


@dataclass(frozen=True, slots=True)
class ExtraAxis:
    """What one axis is taken for.

    Parameters
    ----------
    axis, n
        Its place among the axes of the layer, and its length.
    meaning
        None where somebody has to say.
    index
        Which channel or time point is used, None where that is still to be said or all are.
    names
        Of the channels, none or one for each.
    said_by
        Who says what it is; empty where nobody does.
    may_be_colours
        Whether it may hold red, green, blue.
    """

    axis: int
    n: int
    meaning: Meaning | None
    index: int | None = None
    names: tuple[str, ...] = ()
    said_by: SaidBy = ""
    may_be_colours: bool = False

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What it may be."""
        return ("slices", "channels", *(("colours",) if self.may_be_colours else ()), "time")

    @property
    def is_picked(self) -> bool:
        """Say whether one channel or time point of it is used."""
        return self.meaning in _ONE_OF

    def taken_for(self, meaning: Meaning | None, index: int | None = None) -> ExtraAxis:
        """Return it as the user says."""
        return replace(self, meaning=meaning, index=index, said_by="user")


def extra_axes(image: LayerImage, facts: FileFacts | None = None) -> tuple[ExtraAxis, ...]:
    """Return the axes beside y and x, each as the file says, or a single one as slices."""
    shape = image.shape
    letters = UNKNOWN * len(shape) if facts is None else facts.letters_for(shape)
    plane = [letters.find("y"), letters.find("x")]
    if min(plane) < 0:
        plane = [len(shape) - 2, len(shape) - 1]
    extra = [axis for axis in range(len(shape)) if axis not in plane]
    is_single = len(extra) == 1
    return tuple(_extra_axis(image, axis, letters[axis], facts, is_single) for axis in extra)


def read_as(image: LayerImage, extra: Sequence[ExtraAxis]) -> LayerImage:
    """Return a layer with its axes understood: z, y, x or y, x, and colours last where there are any.

    Raises
    ------
    InputError
        If it is not said what an axis is, which channel or time point is meant, or two axes are the same.
    """
    for one in extra:
        _refuse_unclear(image, one)
    slices = [one.axis for one in extra if one.meaning == "slices"]
    colours = [one.axis for one in extra if one.meaning == "colours"]
    if len(slices) > 1 or len(colours) > 1:
        raise InputError(f"two axes of {image.name!r} cannot both be {'colours' if colours else 'slices'}")
    plane = [axis for axis in range(len(image.shape)) if axis not in [one.axis for one in extra]]
    spatial = [*slices, *plane]
    own_colours = [image.data.ndim - 1] if image.has_channels else []
    order = (*spatial, *colours, *own_colours)
    if order == tuple(range(image.data.ndim)):
        return image
    picks = {one.axis: one.index for one in extra if one.is_picked}
    size = image.pixel_size
    return replace(
        image,
        data=ArrangedArray(image.data, tuple(picks.get(axis) for axis in range(image.data.ndim)), order),
        has_channels=image.has_channels or bool(colours),
        pixel_size=None if size is None else tuple(size[axis] for axis in spatial),
        channel=_channel(extra),
    )


def _channel(extra: Sequence[ExtraAxis]) -> int | str | None:
    """Return how the file is told which channels are meant."""
    picked = [one.index for one in extra if one.meaning == "channels"]
    is_coloured = any(one.meaning == "colours" for one in extra)
    return picked[0] if picked else RGB if is_coloured else None


def _refuse_unclear(image: LayerImage, one: ExtraAxis) -> None:
    if one.meaning is None:
        raise InputError(f"{image.name!r} has the axes {image.shape}: say what its axis of {one.n} is")
    if one.is_picked and one.index is None:
        what = _ONE_OF[one.meaning]
        raise InputError(f"{image.name!r} has {one.n} {what}s, and one is segmented at a time: choose one")


def _extra_axis(
    image: LayerImage, axis: int, letter: str, facts: FileFacts | None, is_single: bool
) -> ExtraAxis:
    n = image.shape[axis]
    found = ExtraAxis(axis, n, "slices" if is_single else None, may_be_colours=_may_be_colours(image, n))
    if facts is None or letter not in _OF_LETTER:
        return found
    meaning = _OF_LETTER[letter]
    # As the command line reads it: three channels are colours unless the file says that they are none.
    is_coloured = facts.has_colours or (facts.has_colours is None and n == 3)
    if meaning == "channels" and found.may_be_colours and is_coloured:
        meaning = "colours"
    names = facts.channel_names if len(facts.channel_names) == n and letter == "c" else ()
    return replace(found, meaning=meaning, names=names, said_by="file")


def _may_be_colours(image: LayerImage, n: int) -> bool:
    return n in N_COLOURS and not image.has_channels
