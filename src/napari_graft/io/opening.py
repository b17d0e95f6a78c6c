"""Open images and label images of every known format as volumes."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath

import numpy as np

from napari_graft.core.axes import Axes, nanometres_per
from napari_graft.core.errors import InputError
from napari_graft.io.labels import check_labels
from napari_graft.io.layout import arrange, name_axes
from napari_graft.io.masks import MaskMeaning, as_numbers, settle_mask
from napari_graft.io.pixel_sizes import SizeNote, judge_sizes
from napari_graft.io.pixel_types import refuse_unusable
from napari_graft.io.readers import find_reader
from napari_graft.io.volume import Volume

GIVEN = "the user"
"""Where a pixel size is from that the file need not say."""


def open_volume(
    path: str | PathLike[str],
    *,
    axes: str | None = None,
    pixel_size: Sequence[float] | None = None,
    unit: str = "nm",
    channel: int | None = None,
) -> Volume:
    """Open an image without loading it.

    Time, channel and z axes of length 1 are dropped. Three or four channels are red, green, blue (and alpha).

    Parameters
    ----------
    path
        A file or folder; ``FILE::/dataset`` for a dataset of an HDF5 file.
    axes
        One letter of ``tczyx`` for each axis of the stored array; wins over what the file says.
    pixel_size
        Length of a pixel along each spatial axis, in `unit`; wins over what the file says.
    channel
        Index of the one channel to use.

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, or it does not hold one 2-D or 3-D grey or RGB image.
    """
    name = fspath(path)
    raw = find_reader(name).read(name)
    refuse_unusable(tuple(raw.data.shape), raw.data.dtype, name)
    letters = name_axes(tuple(raw.data.shape), axes or raw.axes, name)
    arranged = arrange(raw.data, letters, channel, name)
    physical, note = judge_sizes(arranged.names, raw.stated_sizes)
    if pixel_size is not None:
        physical, note = _given_axes(arranged.names, letters, pixel_size, unit), SizeNote(GIVEN)
    channel_axis = len(arranged.names) if arranged.has_channels else None
    return Volume(arranged.data, physical, channel_axis, name, note)


def open_labels(
    path: str | PathLike[str], *, axes: str | None = None, mask: MaskMeaning | None = None
) -> Volume:
    """Open a label image: non-negative integers without channels, to be read with `Volume.read_raw`.

    Of a picture with a palette the numbers of the colours are the labels. Below 64 MB all labels are read and
    checked at once, else each tile when it is read.

    Parameters
    ----------
    mask
        What a mask is, an image of two values such as 0 and 255: one ``object``, or ``pieces`` of which each
        is an object. A mask of several pieces is refused where this is not said.

    Raises
    ------
    InputError
        If the file cannot be opened as `open_volume` does, or holds anything but labels from 0 to 4294967294.
    """
    name = fspath(path)
    raw = find_reader(name).read(name).as_numbers()
    data = as_numbers(raw.data)
    refuse_unusable(tuple(data.shape), data.dtype, name)
    letters = name_axes(tuple(data.shape), axes or raw.axes, name)
    arranged = arrange(data, letters, None, name)
    if arranged.has_channels:
        raise InputError(
            f"{name} is a colour image of shape {tuple(arranged.data.shape)}: "
            "save labels as one number for each pixel, without colours"
        )
    is_boolean = np.dtype(raw.data.dtype).kind == "b"
    labels = settle_mask(check_labels(arranged.data, name), mask, name, is_boolean=is_boolean)
    physical, note = judge_sizes(arranged.names, raw.stated_sizes)
    return Volume(labels, physical, None, name, note)


def _given_axes(names: tuple[str, ...], letters: str, pixel_size: Sequence[float], unit: str) -> Axes:
    """Return the axes with the user's pixel size, which may hold a z that was dropped for being single."""
    nanometres_per(unit)
    sizes = tuple(float(size) for size in pixel_size)
    if "z" in letters and "z" not in names and len(sizes) == len(names) + 1:
        sizes = sizes[1:]
    return Axes(names, sizes, unit)
