"""Which axis of a file is what: name the axes, drop the single ones, put the rest in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from napari_graft.core.axes import SPATIAL_NAMES
from napari_graft.core.errors import InputError
from napari_graft.io.pixel_sizes import StatedSize
from napari_graft.io.volume import LazyArray

KNOWN_AXES = "tczyx"
N_COLOURS = (3, 4)


@dataclass(frozen=True, slots=True, eq=False)
class RawImage:
    """Hold what a reader found in a file.

    Parameters
    ----------
    data
        The pixels, not yet read.
    axes
        One letter of ``tczyx`` for each axis of `data`, or None where the file does not say.
    stated_sizes
        What the places of the file say about the length of a pixel, the surest first.
    indices
        Numbers of the colours, with the axes y and x, where the file has a palette and `data` holds its
        colours: as labels, a palette image is its numbers.
    """

    data: LazyArray
    axes: str | None = None
    stated_sizes: tuple[StatedSize, ...] = ()
    indices: LazyArray | None = None

    def as_numbers(self) -> RawImage:
        """Return the image of the palette's numbers where there is a palette, otherwise this one."""
        return self if self.indices is None else RawImage(self.indices, "yx", self.stated_sizes)


@dataclass(frozen=True, slots=True, eq=False)
class ArrangedArray:
    """Show an array with some axes fixed at one index and the others in another order, without reading it.

    Parameters
    ----------
    source
        The array to show.
    picks
        For each axis of `source`, the index at which it is fixed, or None where it is shown.
    order
        The shown axes of `source`, in the order in which they are shown.
    """

    source: LazyArray
    picks: tuple[int | None, ...]
    order: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each shown axis."""
        return tuple(self.source.shape[axis] for axis in self.order)

    @property
    def ndim(self) -> int:
        """Number of shown axes."""
        return len(self.order)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of an element."""
        return self.source.dtype

    def __getitem__(self, key: tuple[slice | int, ...], /) -> ArrayLike:
        """Read a box; `key` has a slice for each shown axis."""
        shown = dict(zip(self.order, key, strict=True))
        box = self.source[tuple(shown[i] if pick is None else pick for i, pick in enumerate(self.picks))]
        return np.transpose(np.asarray(box), np.argsort(np.argsort(self.order)))


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """Hold an array whose axes are z, y, x or y, x, with channels last where there are any."""

    data: LazyArray
    names: tuple[str, ...]
    has_channels: bool


def name_axes(shape: tuple[int, ...], axes: str | None, path: str) -> str:
    """Return the letters of the axes, guessed for 2-D, 3-D and RGB images where `axes` is None.

    Raises
    ------
    InputError
        If the letters do not fit the shape, or there are none and the shape does not say what is what.
    """
    if axes is None:
        return _guess_axes(shape, path)
    letters = axes.lower()
    if len(letters) != len(shape):
        raise InputError(
            f"axes {axes!r} name {len(letters)} axes but {path} has the {len(shape)} of shape {shape}: "
            "give one letter for each axis"
        )
    if len(set(letters)) < len(letters) or not {"y", "x"} <= set(letters) <= set(KNOWN_AXES):
        raise InputError(
            f"axes {axes!r} must hold y and x, and may hold t, c and z, each once: for example 'zyx'"
        )
    return letters


def _guess_axes(shape: tuple[int, ...], path: str) -> str:
    if len(shape) == 2:
        return "yx"
    if len(shape) == 3:
        return "yxc" if shape[-1] in N_COLOURS else "zyx"
    if len(shape) < 2:
        raise InputError(f"{path} has the shape {shape}: an image has at least the two axes y and x")
    raise InputError(
        f"{path} has {len(shape)} axes of shape {shape} and does not say what they are: name them, "
        "for example axes 'tczyx' or 'zyxc'"
    )


def arrange(data: LazyArray, letters: str, channel: int | None, path: str) -> Arrangement:
    """Drop t, c and z where single, take `channel` where it is given, and order the rest as z, y, x, c.

    Raises
    ------
    InputError
        If time points, or channels that are neither grey nor RGB, are left, or `channel` does not exist.
    """
    sizes = dict(zip(letters, data.shape, strict=True))
    kept = [letter for letter in SPATIAL_NAMES if letter in sizes and (letter != "z" or sizes["z"] > 1)]
    names = tuple(kept)
    if sizes.get("t", 1) > 1:
        raise InputError(
            f"{path} has {sizes['t']} time points: save one of them as a file, or name the axes "
            f"{letters.replace('z', '').replace('t', 'z')!r} if they are slices"
        )
    picked = _pick_channel(sizes.get("c"), channel, path)
    if "c" in sizes and picked is None:
        kept.append("c")
    order = tuple(letters.index(letter) for letter in kept)
    picks = tuple(None if letter in kept else (picked or 0) if letter == "c" else 0 for letter in letters)
    if order != tuple(range(data.ndim)):
        data = ArrangedArray(data, picks, order)
    return Arrangement(data, names, has_channels="c" in kept)


def _pick_channel(n_channels: int | None, channel: int | None, path: str) -> int | None:
    """Return the channel to show, None where all are needed or there are none."""
    if channel is not None:
        if not 0 <= channel < (n_channels or 1):
            raise InputError(f"{path} has no channel {channel}: choose one from 0 to {(n_channels or 1) - 1}")
        return channel
    if n_channels is None or n_channels in N_COLOURS:
        return None
    if n_channels == 1:
        return 0
    raise InputError(
        f"{path} has {n_channels} channels, and only grey and RGB images are understood: "
        f"choose one channel from 0 to {n_channels - 1}"
    )
