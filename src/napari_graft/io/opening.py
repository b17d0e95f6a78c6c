"""Open images and label images of every known format as volumes, and say what their files state."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from os import PathLike

import numpy as np

from napari_graft.core.axes import Axes, nanometres_per
from napari_graft.core.errors import InputError, UnclearImageError
from napari_graft.io.axis_names import N_COLOURS, UNKNOWN, find_single_axes, name_axes
from napari_graft.io.channels import Channel
from napari_graft.io.labels import MaskMeaning, as_numbers, check_labels, settle_mask
from napari_graft.io.layout import RawImage, arrange
from napari_graft.io.pixel_sizes import SizeNote, StatedSize, judge_sizes
from napari_graft.io.readers import find_reader
from napari_graft.io.volume import Volume, refuse_immense, refuse_unusable


def file_name(path: object) -> str:
    """Return the name of a file as text.

    Raises
    ------
    InputError
        If it is no path.
    """
    if not isinstance(path, str | bytes | os.PathLike):
        raise InputError(f"{path!r} is no path: give the name of a file or folder, as text or as a Path")
    return os.fsdecode(path)


def refuse_other_axes(axes: object) -> None:
    """Refuse axes that are no text.

    Raises
    ------
    InputError
        If so.
    """
    if axes is not None and not isinstance(axes, str):
        raise InputError(
            f"axes {axes!r} are no text: give one letter of tczyx for each axis, for example axes='zyx'"
        )


def refuse_other_sizes(pixel_size: object, unit: object) -> None:
    """Refuse sizes of pixels that are no numbers, and a unit that is no text.

    Raises
    ------
    InputError
        If so.
    """
    if pixel_size is not None and not _are_numbers(pixel_size):
        raise InputError(
            f"pixel_size {pixel_size!r} is no list of numbers: give one for each spatial axis, "
            "for example pixel_size=(50, 8, 8)"
        )
    if not isinstance(unit, str):
        raise InputError(f"unit {unit!r} is no text: give a unit of length, for example unit='nm'")


def _are_numbers(values: object) -> bool:
    return isinstance(values, Iterable) and all(isinstance(value, Real) for value in values)


def note_of_no_data(value: float | None) -> tuple[str, ...]:
    """Return what becomes of pixels of the value that stands for no data, nothing where none does.

    >>> note_of_no_data(-9999)[0][:50]
    'the file says that -9999 stands for no data: such '
    """
    if value is None:
        return ()
    return (
        f"the file says that {value:.9g} stands for no data: such pixels count neither for the grey "
        "range nor for local contrast. Objects may still be found where they lie: crop them away, or leave "
        "such objects out of account",
    )


GIVEN = "the user"
"""Where a pixel size is from that the file need not say."""


def open_volume(
    path: str | PathLike[str],
    *,
    axes: str | None = None,
    pixel_size: Sequence[float] | None = None,
    unit: str = "nm",
    channel: Channel | None = None,
) -> Volume:
    """Open an image without loading it.

    Time, channel and z axes of length 1 are dropped. Channels are red, green, blue (and alpha) where the file
    says so; three of which it says nothing are taken for them.

    Parameters
    ----------
    path
        A file or folder; ``FILE::/dataset`` for a dataset of an HDF5 file, ``FILE::1`` or ``FILE::NAME`` for
        one of several images in a TIFF file.
    axes
        One letter of ``tczyx`` for each axis of the stored array; wins over what the file says.
    pixel_size
        Length of a pixel along each spatial axis, in `unit`; wins over what the file says.
    channel
        Index or name of the one channel to use, or ``"rgb"``: they are red, green, blue (and alpha).

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, or it does not hold one 2-D or 3-D grey or RGB image.
    """
    name = file_name(path)
    refuse_other_axes(axes)
    refuse_other_sizes(pixel_size, unit)
    raw = _name_axes(_read(name), axes, channel, name).shown()
    arranged = arrange(raw, channel, name)
    physical, note = judge_sizes(arranged.names, raw.stated_sizes)
    if pixel_size is not None:
        physical, note = _given_axes(arranged.names, raw.axes or "", pixel_size, unit), SizeNote(GIVEN)
    channel_axis = len(arranged.names) if arranged.has_channels else None
    singles = find_single_axes(raw.axes or "", raw.data.shape, arranged.names)
    notes = (*raw.notes, *arranged.notes, *note_of_no_data(raw.no_data))
    return Volume(arranged.data, physical, channel_axis, name, note, notes, singles, raw.no_data)


def _read(name: str) -> RawImage:
    """Return what a file holds, as far as it can be an image."""
    raw = find_reader(name).read(name)
    refuse_immense(raw.data, name)
    return raw


def _name_axes(raw: RawImage, axes: str | None, channel: Channel | None, name: str) -> RawImage:
    """Return what is stored, each axis named."""
    shape = tuple(raw.data.shape)
    refuse_unusable(shape, raw.data.dtype, name)
    if raw.doubt is not None and axes is None and channel is None:
        problem, _, remedy = raw.doubt.partition(": ")
        raise UnclearImageError(f"{name} {problem}", remedy)
    letters = name_axes(shape, axes or raw.axes, name, has_channel_choice=channel is not None)
    is_guess = UNKNOWN in (axes or raw.axes or UNKNOWN)
    note = _layout_note(shape, letters, is_guess)
    return replace(raw.named(letters), notes=(*raw.notes, *((note,) if note else ())))


def _layout_note(shape: tuple[int, ...], letters: str, is_guess: bool) -> str | None:
    """Return in words how the axes are read where that is not as one would expect."""
    long = "".join(letter for letter, n in zip(letters, shape, strict=True) if n > 1)
    if is_guess and "z" in long:
        return (
            f"it does not say what its axes are: {shape} is taken for {letters}, give --axes if that is wrong"
        )
    is_usual = len(long) < 2 or long.replace("c", "") in ("yx", "zyx")
    return None if is_usual and len(long) == len(shape) else f"its axes {shape} are {letters}"


def open_labels(
    path: str | PathLike[str], *, axes: str | None = None, mask: MaskMeaning | None = None
) -> Volume:
    """Open a label image: non-negative integers without channels, to be read with `Volume.read_raw`.

    Of a picture with a palette the numbers of the colours are the labels. Below 64 MB all labels are read and
    checked at once, else each tile when it is read.

    Parameters
    ----------
    axes
        As for `open_volume`; those of the image that they belong to will do, where the labels lack its
        channels and time.
    mask
        What a mask is, an image of two values such as 0 and 255: one ``object``, or ``pieces`` of which each
        is an object. A mask of several pieces is refused where this is not said.

    Raises
    ------
    InputError
        If the file cannot be opened as `open_volume` does, or holds anything but labels from 0 to 4294967294.
    """
    name = file_name(path)
    refuse_other_axes(axes)
    raw = _read(name)
    if raw.is_lossy:
        raise InputError(
            f"labels in {name} are compressed as JPEG, which changes numbers: "
            "save them anew as PNG or TIFF, from what they were before"
        )
    if raw.conversion is not None:
        raw = raw.with_note(raw.conversion.note_of_labels)
    is_boolean = np.dtype(raw.data.dtype).kind == "b"
    axes = None if axes is None else _without_channels(axes, raw.data.ndim)
    if axes is None and raw.doubt is not None and raw.axes is not None:
        axes = raw.axes.replace("z", "t").replace("c", "z")  # labels are no colours
    raw = _name_axes(replace(raw, data=as_numbers(raw.data)), axes, None, name)
    _refuse_channels(raw, name)
    arranged = arrange(raw, None, name)
    labels = settle_mask(check_labels(arranged.data, name), mask, name, is_boolean=is_boolean)
    physical, note = judge_sizes(arranged.names, raw.stated_sizes)
    return Volume(labels, physical, None, name, note, raw.notes)


def _without_channels(axes: str, n_axes: int) -> str:
    """Return the letters without that of channels, then of time, where a label image has fewer axes.

    >>> _without_channels("tczyx", 3)
    'zyx'
    """
    for letter in "ct":
        if len(axes) > n_axes:
            axes = axes.lower().replace(letter, "")
    return axes


def _refuse_channels(raw: RawImage, name: str) -> None:
    n = dict(zip(raw.axes or "", raw.data.shape, strict=True)).get("c", 1)
    if n > 1:
        what = (
            "is a colour image" if raw.has_colours or n in N_COLOURS else f"has {n} channels and is an image"
        )
        raise InputError(
            f"{name} {what} of shape {tuple(raw.data.shape)}: "
            "save labels as one number for each pixel, without colours or channels"
        )


def _given_axes(names: tuple[str, ...], letters: str, pixel_size: Sequence[float], unit: str) -> Axes:
    """Return the axes with the user's pixel size, which may hold that of a dropped single axis."""
    nanometres_per(unit)
    sizes = tuple(float(size) for size in pixel_size)
    if len(letters) > len(names) == 2 and len(sizes) == 3:
        sizes = sizes[1:]
    return Axes(names, sizes, unit)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts of an image that its file states.

    Parameters
    ----------
    letters, shape
        One letter of ``tczyx`` for each axis that is longer than one pixel, ``?`` for one of which the file
        says nothing; and how long these are.
    stated_sizes, channel_names, has_colours
        As of `RawImage`.
    """

    letters: str
    shape: tuple[int, ...]
    stated_sizes: tuple[StatedSize, ...] = ()
    channel_names: tuple[str, ...] = ()
    has_colours: bool | None = None

    def letters_for(self, shape: Sequence[int]) -> str:
        """Return the letters of axes of this shape, ``?`` for each where the file has others."""
        return self.letters if tuple(shape) == self.shape else UNKNOWN * len(shape)

    def size_along(self, names: tuple[str, ...], plane: tuple[int, int]) -> tuple[Axes, SizeNote] | None:
        """Return the pixel size along spatial axes, None where the file holds no plane of these pixels."""
        planes = set(zip(self.shape[:-1], self.shape[1:], strict=True))
        return judge_sizes(names, self.stated_sizes) if plane in planes else None


def read_facts(path: str) -> FileFacts | None:
    """Return what a file says, None where it cannot be read as an image."""
    try:
        raw = find_reader(path).read(path)
    except InputError:
        return None
    letters = raw.axes or UNKNOWN * len(raw.data.shape)
    long = [(letter, n) for letter, n in zip(letters, raw.data.shape, strict=True) if n > 1]
    return FileFacts(
        "".join(letter for letter, _ in long),
        tuple(int(n) for _, n in long),
        raw.stated_sizes,
        raw.channel_names,
        raw.has_colours,
    )
