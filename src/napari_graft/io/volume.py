"""Images of any size as tiles that are read when they are needed, and which arrays can be one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io.axis_names import SingleAxes
from napari_graft.io.pixel_sizes.stated import NO_NOTE, SizeNote
from napari_graft.io.untrusted import foreign_errors

LUMINANCE = (0.2125, 0.7154, 0.0721)
"""Weights of red, green and blue in grey (ITU-R BT.709, as scikit-image)."""


class LazyArray(Protocol):
    """Protocol of an array that is read box by box, as numpy, zarr, dask and HDF5 arrays are."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis."""

    @property
    def ndim(self) -> int:
        """Number of axes."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of an element."""

    def __getitem__(self, key: tuple[slice | int, ...], /) -> ArrayLike:
        """Read a box."""


class ArrayView:
    """Base of lazy arrays that show the elements of another one, `source`, of the same shape, as others."""

    __slots__ = ()
    source: LazyArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis."""
        return tuple(self.source.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A 2-D or 3-D image, maybe larger than the memory, of which grey tiles are read.

    Parameters
    ----------
    data
        The pixels: the spatial axes in the order of `axes`, and perhaps a channel axis.
    axes
        Names and physical size of the spatial axes.
    channel_axis
        Axis of `data` that holds red, green, blue (and perhaps alpha), or None where the image is grey.
    path
        Where the image came from, for messages.
    size_note
        Where the pixel size is from, and what is odd about it.
    notes
        What the user should know of how it was read, in words.
    single_axes
        Axes of one pixel that it has in its file, which a result for it gets as well.
    no_data
        Stored value of pixels that hold no data (of colours, that of each), None where none does. They are
        read as they are and left out where grey values are measured.
    """

    data: LazyArray
    axes: Axes
    channel_axis: int | None = None
    path: str | None = None
    size_note: SizeNote = NO_NOTE
    notes: tuple[str, ...] = ()
    single_axes: SingleAxes = ()
    no_data: float | None = None

    def __post_init__(self) -> None:
        n_expected = self.axes.ndim + (self.channel_axis is not None)
        if self.data.ndim != n_expected:
            raise InputError(
                f"image of shape {tuple(self.data.shape)} does not have the {n_expected} axes that "
                f"{''.join(self.axes.names)!r} asks for: name its axes"
            )

    @property
    def name(self) -> str:
        """Words that tell the user which image is meant."""
        return self.path or "the image"

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each spatial axis."""
        return tuple(n for axis, n in enumerate(self.data.shape) if axis != self.channel_axis)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of a pixel as stored."""
        return self.data.dtype

    def read_raw(self, tile: Tile) -> NDArray[np.generic]:
        """Read the part of `tile` inside the image as it is stored, channels last.

        Raises
        ------
        InputError
            If the tile lies outside the image, or the file is damaged there.
        """
        key: list[slice | int] = list(tile.clip(self.shape).slices)
        if self.channel_axis is not None:
            key.insert(self.channel_axis, slice(None))
        with foreign_errors(
            f"cannot read pixels {tile.start} to {tile.stop} of {self.name}",
            "the file seems damaged, make a new copy of it",
        ):
            raw = np.array(self.data[tuple(key)])
        raw = raw.astype(raw.dtype.newbyteorder("="), copy=False)
        return raw if self.channel_axis is None else np.moveaxis(raw, self.channel_axis, -1)

    def checksum(self, tile: Tile) -> str:
        """Return a checksum of the part of `tile` inside the image as it is stored; errors as `read_raw`."""
        raw = np.ascontiguousarray(self.read_raw(tile))
        return hashlib.blake2b(raw.data.cast("B"), digest_size=16).hexdigest()

    def read(self, tile: Tile) -> NDArray[np.float32]:
        """Read a tile in grey as (*tile.shape) float32, mirrored (edge not repeated) outside the image.

        Raises
        ------
        InputError
            If the tile lies outside the image, the file is damaged there, or a pixel is NaN or infinite.
        """
        return self.read_with_gaps(tile)[0]

    def read_with_gaps(self, tile: Tile) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
        """Return what `read` does, and which of its pixels hold data, None where all do; errors as `read`."""
        tile.clip(self.shape)
        indices = [_mirror(tile.start[axis], tile.stop[axis], n) for axis, n in enumerate(self.shape)]
        start = tuple(int(index.min()) for index in indices)
        stop = tuple(int(index.max()) + 1 for index in indices)
        box = Tile(start, tuple(b - a for a, b in zip(start, stop, strict=True)))
        raw = self.read_raw(box)
        grey = to_grey(raw) if self.channel_axis is not None else raw
        with np.errstate(over="ignore"):
            pixels = grey.astype(np.float32, copy=False)
        self._refuse_non_finite(pixels, grey, start)
        has_data = self._has_data(raw)
        if (box.start, box.shape) == (tile.start, tile.shape):
            return pixels, has_data
        mirrored = np.ix_(*(index - a for index, a in zip(indices, start, strict=True)))
        return pixels[mirrored], None if has_data is None else has_data[mirrored]

    def _has_data(self, raw: NDArray[np.generic]) -> NDArray[np.bool_] | None:
        if self.no_data is None:
            return None
        differs: NDArray[np.bool_] = np.asarray(raw != self.no_data)
        return differs if self.channel_axis is None else np.asarray(differs[..., :3].any(axis=-1))

    def _refuse_non_finite(
        self, pixels: NDArray[np.float32], stored: NDArray[np.generic], start: tuple[int, ...]
    ) -> None:
        if np.isfinite(pixels).all():
            return
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(pixels))[0])
        position = tuple(a + i for a, i in zip(start, first, strict=True))
        raise InputError(
            f"pixel {position} of {self.name} is {stored[first]}: "
            "replace the pixels that are NaN, infinite or beyond 3.4e38 by real values"
        )


def to_grey(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Turn red, green, blue (and an alpha, ignored) along the last axis into their luminance, float32."""
    return np.asarray(pixels[..., :3].astype(np.float32) @ np.asarray(LUMINANCE, np.float32))


def _mirror(start: int, stop: int, n: int) -> NDArray[np.intp]:
    """Return the pixels of 0…n-1 that `start`…`stop` show when the image is mirrored about its edges."""
    period = max(2 * (n - 1), 1)
    folded = np.arange(start, stop) % period
    return np.minimum(folded, period - folded) if n > 1 else np.zeros(stop - start, np.intp)


SAMPLE_WIDTH = 256


def sample_tiles(volume: Volume, rng: np.random.Generator, *, max_pixels: int) -> Iterator[Tile]:
    """Yield tiles of one slice with about `max_pixels` pixels in all; every pixel if there are no more."""
    shape = volume.shape
    tile_shape = (1,) * (len(shape) - 2) + tuple(min(n, SAMPLE_WIDTH) for n in shape[-2:])
    if prod(shape) <= max_pixels:
        yield from TileGrid(shape, ((1,) * (len(shape) - 2) + shape[-2:]))
        return
    for _ in range(max(max_pixels // prod(tile_shape), 1)):
        start = (int(rng.integers(n - t + 1)) for n, t in zip(shape, tile_shape, strict=True))
        yield Tile(tuple(start), tile_shape)


def pixels_with_data(volume: Volume, tile: Tile) -> NDArray[np.float32]:
    """Return the grey values of a tile, one after the other, without pixels that hold no data."""
    pixels, has_data = volume.read_with_gaps(tile)
    return pixels.ravel() if has_data is None else pixels[has_data]


def no_data_at_all(volume: Volume) -> str:
    """Return in words that a volume holds nothing, and what to do."""
    return (
        f"all pixels read from {volume.name} are {volume.no_data:.9g}, which its file says stands for no "
        "data: give another image, or save it anew without that entry (GDAL_NODATA)"
    )


def check_image(volume: Volume, rng: np.random.Generator, *, max_pixels: int = 4_000_000) -> None:
    """Read random tiles, or all of a small image, and refuse an image that cannot be segmented.

    Raises
    ------
    InputError
        If a pixel is NaN or infinite, or all pixels read are equal or hold no data.
    """
    low, high = np.inf, -np.inf
    for tile in sample_tiles(volume, rng, max_pixels=max_pixels):
        pixels = pixels_with_data(volume, tile)
        if pixels.size:
            low, high = min(low, float(pixels.min())), max(high, float(pixels.max()))
    if low > high:
        raise InputError(no_data_at_all(volume))
    if low == high:
        raise InputError(f"all pixels read from {volume.name} are {low:g}: give an image with some contrast")


MOST_BYTES = 1 << 53
"""8 PiB, several times the largest image that was ever published."""
LARGEST_CHUNK_BYTES = 1 << 30
"""A chunk, a strip or a tile of a file is decoded whole for whatever is read of it."""


def refuse_immense(data: LazyArray, path: str) -> None:
    """Raise an error where an array says that it is larger than can be, or is kept in parts that are.

    Only what stands in its header is looked at: it costs nothing, and no such part is read. That a part
    unpacks to more than its header says is seen when it is read (`readers.unpacking`).

    Raises
    ------
    InputError
        If so.
    """
    shape, itemsize = tuple(map(int, data.shape)), np.dtype(data.dtype).itemsize
    if min(shape, default=0) < 0 or prod(map(int, shape)) * itemsize > MOST_BYTES:
        raise InputError(
            f"{path} says that it has the shape {shape}, which no image has: it is damaged, make a new copy"
        )
    chunk = getattr(data, "chunks", None)
    if not isinstance(chunk, tuple):
        return
    if min(chunk, default=1) < 1:
        raise InputError(f"{path} is kept in chunks of {chunk}, so of no pixel: make a new copy")
    n_bytes = prod(map(int, chunk)) * itemsize
    if n_bytes > LARGEST_CHUNK_BYTES:
        raise InputError(
            f"{path} is kept in chunks of {chunk}, each {_size_words(n_bytes)}, of which every one is read "
            f"whole: save it in chunks of at most {_size_words(LARGEST_CHUNK_BYTES)}"
        )


def _size_words(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.3g} GiB"


_REFUSED_KINDS = {
    "b": "true and false, not intensities: give the image that it was made from",
    "c": "complex numbers: save the magnitude or one part",
    "O": "Python objects: save plain numbers",
    "V": "records of several fields: save one field",
}


def refuse_unusable(shape: tuple[int, ...], dtype: np.dtype[np.generic], name: str) -> None:
    """Raise an error where an array has no pixel, or holds anything but integers and real numbers.

    Parameters
    ----------
    name
        Words that tell the user which image is meant.

    Raises
    ------
    InputError
        If so.
    """
    if 0 in shape:
        raise InputError(f"{name} has the shape {shape}, so no pixel: give another image")
    kind = np.dtype(dtype).kind
    if kind not in "iuf":
        remedy = _REFUSED_KINDS.get(kind, "no numbers: save integers or real numbers")
        raise InputError(f"{name} has the dtype {dtype}, which holds {remedy}")
    if np.dtype(dtype).itemsize > 8:
        raise InputError(f"{name} has the dtype {dtype}, which is finer than any file keeps: save float64")
