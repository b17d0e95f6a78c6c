"""Half-open boxes of pixels, and the grid that covers an image with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from napari_graft.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Tile:
    """Half-open box of pixels, in the order of the image's spatial axes.

    Parameters
    ----------
    start
        First pixel along each axis; negative where a halo reaches outside the image.
    shape
        Number of pixels along each axis, each at least 1.
    level
        Level of the image pyramid that the pixels belong to, 0 is full resolution.
    """

    start: tuple[int, ...]
    shape: tuple[int, ...]
    level: int = 0

    def __post_init__(self) -> None:
        if len(self.start) != len(self.shape):
            raise InputError(f"tile start {self.start} and shape {self.shape} differ in length")
        if any(n < 1 for n in self.shape):
            raise InputError(f"tile shape {self.shape} must be at least 1 along each axis")

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.start)

    @property
    def stop(self) -> tuple[int, ...]:
        """First pixel after the tile along each axis."""
        return tuple(a + n for a, n in zip(self.start, self.shape, strict=True))

    @property
    def slices(self) -> tuple[slice, ...]:
        """Slices that cut the tile out of an image that contains it."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    @property
    def n_pixels(self) -> int:
        """Number of pixels."""
        return prod(self.shape)

    def grow(self, halo: Sequence[int]) -> Tile:
        """Return the tile with `halo` more pixels on both sides of each axis."""
        start = tuple(a - h for a, h in zip(self.start, halo, strict=True))
        shape = tuple(n + 2 * h for n, h in zip(self.shape, halo, strict=True))
        return Tile(start, shape, self.level)

    def shift(self, offset: Sequence[int]) -> Tile:
        """Return the tile moved by `offset` pixels."""
        return Tile(tuple(a + o for a, o in zip(self.start, offset, strict=True)), self.shape, self.level)

    def intersection(self, other: Tile) -> Tile | None:
        """Return the box that both tiles share, or None where they do not meet."""
        start = tuple(map(max, self.start, other.start))
        stop = tuple(map(min, self.stop, other.stop))
        if any(b <= a for a, b in zip(start, stop, strict=True)):
            return None
        return Tile(start, tuple(b - a for a, b in zip(start, stop, strict=True)), self.level)

    def overlaps(self, other: Tile) -> bool:
        """Say whether the two tiles share a pixel."""
        return self.intersection(other) is not None

    def contains(self, other: Tile) -> bool:
        """Say whether `other` lies wholly inside this tile."""
        return self.intersection(other) == Tile(other.start, other.shape, self.level)

    def is_inside(self, bounds: Sequence[int]) -> bool:
        """Say whether the tile lies wholly inside an image of shape `bounds`."""
        return self.ndim == len(bounds) and Tile((0,) * self.ndim, tuple(bounds), self.level).contains(self)

    def clip(self, bounds: Sequence[int]) -> Tile:
        """Return the part of the tile inside an image of shape `bounds`.

        Raises
        ------
        InputError
            If no part of the tile lies inside.
        """
        inside = self.intersection(Tile((0,) * self.ndim, tuple(bounds), self.level))
        if inside is None:
            raise InputError(
                f"tile at {self.start} of shape {self.shape} lies outside an image of {tuple(bounds)}"
            )
        return inside


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Grid of tiles that covers an image of shape `bounds`, each pixel exactly once.

    Tiles at the far edges are smaller where `tile_shape` does not divide `bounds`.
    """

    bounds: tuple[int, ...]
    tile_shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.bounds) != len(self.tile_shape) or any(n < 1 for n in (*self.bounds, *self.tile_shape)):
            raise InputError(
                f"cannot cut {self.bounds} into tiles of {self.tile_shape}: both need equal positive axes"
            )

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of tiles along each axis."""
        return tuple(-(-n // t) for n, t in zip(self.bounds, self.tile_shape, strict=True))

    def __len__(self) -> int:
        return prod(self.counts)

    def __iter__(self) -> Iterator[Tile]:
        for index in product(*map(range, self.counts)):
            start = tuple(i * t for i, t in zip(index, self.tile_shape, strict=True))
            yield Tile(start, self.tile_shape).clip(self.bounds)


SMALLEST_SIDE, USUAL_SIDE, LARGEST_SIDE = 64, 256, 1024
N_DIAMETERS = 8
"""Objects side by side in a tile: the quarter of it that is kept apart holds whole ones too."""
_LARGEST_SHARE = 0.4
"""Of the shorter side of an image: four tiles leave a part of it."""
_ROUNDED_TO = 32


def fitting_side(shape: Sequence[int], diameter: float | None) -> int:
    """Return the side of the tiles to paint that suits the objects of an image, in pixels.

    Tiles of one size hold three nuclei of one image and fifty of another. With fewer than a few whole objects
    there is little to learn from a tile, and nothing to judge the training by.

    Parameters
    ----------
    shape
        Shape of the image.
    diameter
        Usual diameter of the objects in pixels, None where that is not known: then the usual side is
        returned, or half of a small image.
    """
    shortest = min(shape[-2:])
    if diameter is None:
        return min(shortest, max(SMALLEST_SIDE, min(USUAL_SIDE, shortest // 2)))
    wanted = min(LARGEST_SIDE, max(2 * SMALLEST_SIDE, N_DIAMETERS * diameter), _LARGEST_SHARE * shortest)
    return min(shortest, max(SMALLEST_SIDE, int(wanted) // _ROUNDED_TO * _ROUNDED_TO))
