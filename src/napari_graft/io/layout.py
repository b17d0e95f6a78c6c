"""Which axis of a file is what: name the axes, drop the single ones, put the rest in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from napari_graft.core.axes import SPATIAL_NAMES
from napari_graft.core.errors import UnclearImageError
from napari_graft.io.channels import Channel, Channels, Conversion, ConvertedArray, pick_channel
from napari_graft.io.pixel_sizes import StatedSize
from napari_graft.io.volume import LazyArray


@dataclass(frozen=True, slots=True, eq=False)
class RawImage:
    """Image as a reader found it in a file.

    Parameters
    ----------
    data
        The pixels, not yet read.
    axes
        One letter of ``tczyx`` for each axis of `data`, ``?`` for one of which the file says nothing, or None
        where it says nothing of any.
    stated_sizes
        What the places of the file say about the length of a pixel, the surest first.
    channel_names, has_colours
        As `names` and `are_colours` of `Channels`.
    conversion
        What the stored samples become where they are looked at, None for grey or colours. Of labels
        the stored numbers count, those of a palette as well.
    doubt
        What is not clear and which options settle it, in words; None where all is.
    notes
        What the user should know of what was read, in words.
    is_lossy
        Whether JPEG has changed the numbers a little: grey values can do with that, labels cannot.
    no_data
        The stored value that stands for pixels without data, None where none does.
    """

    data: LazyArray
    axes: str | None = None
    stated_sizes: tuple[StatedSize, ...] = ()
    channel_names: tuple[str, ...] = ()
    has_colours: bool | None = None
    conversion: Conversion | None = None
    doubt: str | None = None
    notes: tuple[str, ...] = ()
    is_lossy: bool = False
    no_data: float | None = None

    def named(self, letters: str) -> RawImage:
        """Return the image with other letters; what is known of the channels stays with their axis."""
        if self.axes is not None and self.axes.find("c") == letters.find("c"):
            return replace(self, axes=letters)
        return replace(self, axes=letters, channel_names=(), has_colours=None, conversion=None)

    def with_note(self, note: str) -> RawImage:
        """Return the image with one more thing that the user should know, itself where that is empty."""
        return replace(self, notes=(*self.notes, note)) if note else self

    def shown(self) -> RawImage:
        """Return the image with its samples converted to the grey or the colours that they stand for."""
        letters = self.axes or ""
        if self.conversion is None or (self.conversion.takes_samples and "c" not in letters):
            return self
        sample_axis = letters.index("c") if self.conversion.takes_samples else None
        if sample_axis is not None:
            letters = letters.replace("c", "")
        if self.conversion.has_colours:
            letters += "c"
        return replace(
            self,
            data=ConvertedArray(self.data, self.conversion, sample_axis),
            axes=letters,
            has_colours=self.conversion.has_colours or self.has_colours,
            conversion=None,
            notes=(*self.notes, self.conversion.note),
            no_data=self._converted_no_data(self.conversion),
        )

    def _converted_no_data(self, conversion: Conversion) -> float | None:
        """Return what the value without data becomes, None where it becomes a colour or cannot be stored."""
        stored = np.dtype(self.data.dtype)
        if self.no_data is None or conversion.has_colours or conversion.takes_samples:
            return None
        with np.errstate(invalid="ignore"):
            value = np.asarray(self.no_data).astype(stored)
        return float(conversion.convert(value)) if value == self.no_data else None


@dataclass(frozen=True, slots=True, eq=False)
class ArrangedArray:
    """Lazy view of an array with some axes fixed at one index and the others in another order.

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


def keep_axes(data: LazyArray, axes: tuple[int, ...]) -> LazyArray:
    """Show an array without some axes of length 1, itself where all are kept."""
    if axes == tuple(range(data.ndim)):
        return data
    return ArrangedArray(data, tuple(None if axis in axes else 0 for axis in range(data.ndim)), axes)


def stored_array(data: LazyArray) -> LazyArray:
    """Return the array that `keep_axes` shows."""
    return data.source if isinstance(data, ArrangedArray) else data


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """An array whose axes are z, y, x or y, x, with channels last where there are any."""

    data: LazyArray
    names: tuple[str, ...]
    has_channels: bool
    notes: tuple[str, ...] = ()


def arrange(raw: RawImage, channel: Channel | None, path: str) -> Arrangement:
    """Drop t, c and z where single, take `channel` where it is given, and order the rest as z, y, x, c.

    Parameters
    ----------
    raw
        An image whose axes are all named.

    Raises
    ------
    InputError
        If time points, or channels that are neither grey nor RGB, are left, or `channel` does not exist.
    """
    data, letters = raw.data, raw.axes or ""
    sizes = dict(zip(letters, data.shape, strict=True))
    kept = [letter for letter in SPATIAL_NAMES if letter in sizes and (letter != "z" or sizes["z"] > 1)]
    names = tuple(kept)
    if sizes.get("t", 1) > 1:
        as_slices = _as_slices(letters, "t", sizes)
        remedy = f", or name the axes {as_slices!r} (--axes) if they are slices" if as_slices else ""
        problem = f"{path} has {sizes['t']} time points"
        raise UnclearImageError(problem, f"save one of them as a file{remedy}")
    channels = None
    if "c" in sizes:
        as_slices = _as_slices(letters, "c", sizes)
        channels = Channels(sizes["c"], raw.channel_names, raw.has_colours, as_slices)
    picked = pick_channel(channels, channel, path)
    if channels is not None and picked is None:
        kept.append("c")
    order = tuple(letters.index(letter) for letter in kept)
    picks = tuple(None if letter in kept else (picked or 0) if letter == "c" else 0 for letter in letters)
    if order != tuple(range(data.ndim)):
        data = ArrangedArray(data, picks, order)
    note = None if channels is None else channels.note(picked)
    return Arrangement(data, names, "c" in kept, () if note is None else (note,))


def _as_slices(letters: str, axis: str, sizes: Mapping[str, int]) -> str:
    """Return the letters that make an axis the slices, empty where there are slices already."""
    if sizes.get("z", 1) > 1:
        return ""
    return letters.translate(str.maketrans(f"{axis}z", f"z{axis}"))
