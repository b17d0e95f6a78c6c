"""Channels of an image; stored samples as grey, colours or a stain, without reading them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError, UnclearImageError
from napari_graft.io.axis_names import N_COLOURS
from napari_graft.io.volume import LazyArray, Volume

RGB = "rgb"
"""Says, in place of a channel, that the channels are red, green, blue and perhaps a transparency."""

Channel = int | str
Stain = Literal["hematoxylin", "eosin", "dab"]
STAINS: tuple[Stain, ...] = get_args(Stain)
"""Stains that a coloured image is taken apart into."""


@dataclass(frozen=True, slots=True)
class Channels:
    """Channels of an image, as its file names them.

    Parameters
    ----------
    n
        Number of channels.
    names
        Their names, none or one for each.
    are_colours
        Whether they are red, green and blue: a photograph's are, those of a fluorescence microscope are not.
        None where the file does not say.
    as_slices
        Letters for all axes with which the channels are slices, empty where they cannot be.
    """

    n: int
    names: tuple[str, ...] = ()
    are_colours: bool | None = None
    as_slices: str = ""

    def listed(self) -> str:
        """Return the channels with their names in words, the first of many."""
        if len(self.names) != self.n:
            return f"{self.n} channels"
        shown = ", ".join(f"{i} {name}" for i, name in enumerate(self.names[:_N_LISTED]))
        return f"{self.n} channels ({shown}{', …' if self.n > _N_LISTED else ''})"

    def note(self, picked: int | None) -> str | None:
        """Return in words what was understood where the user did not say it, else None."""
        if picked is not None:
            known = f" {self.names[picked]!r}" if len(self.names) == self.n else ""
            return f"channel {picked}{known} of {self.n} is used" if self.n > 1 else None
        if self.n == 4:
            return "the fourth channel, transparency, is not used; --channel 3 takes it alone"
        if self.are_colours is None:
            return "the 3 channels are taken for red, green and blue; --channel 0 takes one of them"
        return None


_N_LISTED = 12


def pick_channel(channels: Channels | None, channel: Channel | None, path: str) -> int | None:
    """Return the channel to show, None where all are needed or there are none.

    Parameters
    ----------
    channel
        Index or name of one, `RGB`, or None where the user does not say.

    Raises
    ------
    InputError
        If there is no such channel, or it is not clear which is meant.
    """
    known = channels or Channels(1)
    if channel is not None and channel != RGB:
        picked = _index(known, channel, path)
        return None if channels is None else picked
    if channels is None:
        return None
    if known.n == 1:
        return 0
    if channel == RGB and known.n not in N_COLOURS:
        raise InputError(f"{path} has {known.listed()}, and colours are three or four: choose one of them")
    may_be_colours = known.are_colours or (known.are_colours is None and known.n == 3)
    if channel == RGB or (known.n in N_COLOURS and may_be_colours):
        return None
    remedy = f", or --channel {RGB} where they are red, green and blue" if known.n in N_COLOURS else ""
    remedy += f", or --axes {known.as_slices} where they are slices" if known.as_slices else ""
    raise UnclearImageError(
        f"{path} has {known.listed()}, and only grey and RGB images are understood",
        f"choose one channel from 0 to {known.n - 1} with --channel{remedy}",
    )


def _index(channels: Channels, channel: Channel, path: str) -> int:
    text = str(channel).strip()
    same = [i for i, name in enumerate(channels.names) if name.casefold() == text.casefold()]
    if len(same) == 1:
        return same[0]
    if text.isdecimal() and int(text) < channels.n:
        return int(text)
    if same:
        raise InputError(f"{path} has {len(same)} channels called {text!r}: choose one of {same}")
    raise InputError(
        f"{path} has no channel {text}, it has {channels.listed()}: choose one from 0 to {channels.n - 1}"
    )


Pixels = NDArray[np.generic]
Convert = Callable[[Pixels], Pixels]


@dataclass(frozen=True, slots=True)
class Conversion:
    """Conversion of stored samples to grey, colours or the density of a stain.

    Parameters
    ----------
    convert
        Takes pixels, all of their samples along the last axis where they have several, and returns pixels,
        red, green and blue along the last axis where `has_colours`.
    dtype
        Of what it returns.
    has_colours, takes_samples
        Whether it returns several samples a pixel, and whether it takes several.
    note
        What is done, in words.
    note_of_labels
        What is to be known of labels, of which the stored numbers count; empty where that is what all expect.
    """

    convert: Convert
    dtype: np.dtype[np.generic]
    has_colours: bool
    takes_samples: bool
    note: str
    note_of_labels: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ConvertedArray:
    """Lazy view of an array, converted; colours are its last axis.

    Parameters
    ----------
    source
        What is stored.
    conversion
        What it becomes.
    sample_axis
        Axis of `source` that holds the samples of a pixel, None where there is one.
    """

    source: LazyArray
    conversion: Conversion
    sample_axis: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis."""
        stored = tuple(n for axis, n in enumerate(self.source.shape) if axis != self.sample_axis)
        return (*stored, 3) if self.conversion.has_colours else stored

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of an element."""
        return self.conversion.dtype

    def __getitem__(self, key: tuple[slice | int, ...], /) -> Pixels:
        """Read a box; `key` has a slice or an index for each axis."""
        kept = [slice(part, part + 1) if isinstance(part, int) else part for part in key]
        wanted = kept[:-1] if self.conversion.has_colours else list(kept)
        if self.sample_axis is not None:
            wanted.insert(self.sample_axis, slice(None))
        stored = np.asarray(self.source[tuple(wanted)])
        if self.sample_axis is not None:
            stored = np.moveaxis(stored, self.sample_axis, -1)
        shown = self.conversion.convert(stored)
        if self.conversion.has_colours:
            shown = shown[..., kept[-1]]
        return shown[tuple(0 if isinstance(part, int) else slice(None) for part in key)]


def inversion(dtype: np.dtype[np.generic], n_bits: int) -> Conversion:
    """Return the conversion of an image in which 0 is white, of pixels of `n_bits`."""
    kind = np.dtype(dtype)
    top = (1 << n_bits) - 1

    def invert(pixels: Pixels) -> Pixels:
        if kind.kind == "u":
            return np.asarray(np.bitwise_xor(pixels.astype(kind, copy=False), kind.type(top)))
        return np.asarray(np.invert(pixels) if kind.kind in "bi" else np.negative(pixels))

    return Conversion(
        invert,
        kind,
        False,
        False,
        "0 is white in it, so that dark and bright are swapped",
        "0 is white in it, so what looks white is taken for background, and the stored numbers for labels",
    )


def palette(colours: Pixels) -> Conversion:
    """Return the conversion of indices into a table (3, n) of 8-bit or 16-bit colours."""
    wide = np.asarray(colours, np.uint16).T
    table = (wide >> 8 if wide.max(initial=0) > 255 else wide).astype(np.uint8)

    def look_up(pixels: Pixels) -> Pixels:
        return np.asarray(table[np.clip(pixels.astype(np.int64), 0, len(table) - 1)])

    return Conversion(
        look_up, np.dtype(np.uint8), True, False, "its numbers stand for the colours of a table"
    )


def from_cmyk(dtype: np.dtype[np.generic]) -> Conversion:
    """Return the conversion of cyan, magenta, yellow and black, integers, into red, green and blue."""
    kind = np.dtype(dtype)
    top = (1 << 8 * kind.itemsize) - 1

    def convert(pixels: Pixels) -> Pixels:
        light = 1 - pixels[..., :4].astype(np.float32) / top
        return np.asarray(np.rint(light[..., :3] * light[..., 3:] * top).astype(kind))

    return Conversion(
        convert, kind, True, True, "its inks, cyan, magenta, yellow and black, become red, green, blue"
    )


def from_ycbcr() -> Conversion:
    """Return the conversion of 8-bit luminance and colour differences (ITU-R BT.601) into colours."""

    def convert(pixels: Pixels) -> Pixels:
        y, cb, cr = np.moveaxis(pixels[..., :3].astype(np.float32), -1, 0)
        cb, cr = cb - 128, cr - 128
        colours = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)
        return np.asarray(np.clip(np.rint(colours), 0, 255).astype(np.uint8))

    return Conversion(
        convert, np.dtype(np.uint8), True, True, "its luminance and colour differences become colours"
    )


def from_lab(dtype: np.dtype[np.generic]) -> Conversion:
    """Return the conversion of lightness and two colour values into grey, the lightness."""
    return Conversion(
        lambda pixels: pixels[..., 0],
        np.dtype(dtype),
        False,
        True,
        "of its colours (L*a*b*) the lightness is used",
    )


def in_stain(volume: Volume, stain: Stain | None) -> Volume:
    """Return a view of a coloured image as the optical density of one stain, float32, bright where much is.

    By the colour deconvolution of Ruifrok and Johnston (2001) with their vectors of hematoxylin, eosin and
    DAB, as scikit-image has it. A grey image, and any image where no stain is named, is returned as it is.
    """
    if stain is None or volume.channel_axis is None:
        return volume
    data = ConvertedArray(volume.data, _density(stain, volume.dtype), volume.channel_axis)
    return replace(volume, data=data, channel_axis=None, no_data=None)


def _density(stain: Stain, dtype: np.dtype[np.generic]) -> Conversion:
    index = STAINS.index(stain)
    top = float(np.iinfo(dtype.str).max) if dtype.kind in "iu" else 1.0

    def convert(pixels: Pixels) -> Pixels:
        from skimage.color import hed_from_rgb, separate_stains

        light = np.clip(pixels[..., :3].astype(np.float32) / top, 0, 1)
        return np.asarray(separate_stains(light, hed_from_rgb)[..., index], np.float32)

    return Conversion(convert, np.dtype(np.float32), False, True, f"its {stain} is shown")
