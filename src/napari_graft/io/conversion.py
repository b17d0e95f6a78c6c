"""Show stored samples as the grey or the colours that they stand for, without reading them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.io.volume import LazyArray

Pixels = NDArray[np.generic]
Convert = Callable[[Pixels], Pixels]


@dataclass(frozen=True, slots=True)
class Conversion:
    """Conversion of stored samples to grey or colours.

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
