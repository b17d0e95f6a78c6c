"""The grid of pixels on which a model sees an image, and how it lies on the image's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from napari_graft.core.tile import Tile

CELL = 8
"""Within a plane, what is computed on coarser grids has cells of a divisor of this in model pixels."""
_LONGEST = 8
"""Of a unit, in those lengths that a network's down-sampling and `CELL` ask for."""
_TOLERANCE = 0.02
"""By how much a unit may miss a whole number of image pixels: no diameter is known better than that."""


@dataclass(frozen=True, slots=True)
class ModelGrid:
    """Grid of a model on an image: how many pixels of each make the same length along an axis.

    All tiles that begin on a multiple of this length are pieces of one grid: a network with its
    down-sampling, and what is decoded, then gives the same for a pixel whichever of them it is in.

    Parameters
    ----------
    on_model, on_image
        The length in model pixels, a multiple of the network's down-sampling, and in image pixels.
    """

    on_model: tuple[int, ...]
    on_image: tuple[int, ...]

    @property
    def factors(self) -> tuple[float, ...]:
        """Length of an image pixel in model pixels."""
        return tuple(a / b for a, b in zip(self.on_model, self.on_image, strict=True))

    @property
    def to_model(self) -> tuple[Fraction, ...]:
        """Length of a model pixel in image pixels: the step of resampling onto the model's grid."""
        return tuple(Fraction(b, a) for a, b in zip(self.on_model, self.on_image, strict=True))

    @property
    def to_image(self) -> tuple[Fraction, ...]:
        """Length of an image pixel in model pixels: the step of resampling back."""
        return tuple(Fraction(a, b) for a, b in zip(self.on_model, self.on_image, strict=True))

    def align(self, tile: Tile) -> Tile:
        """Let a tile of the image begin where the grid does, at most one unit before; its end stays."""
        units = (*(1,) * (tile.ndim - len(self.on_image)), *self.on_image)
        before = [a % unit for a, unit in zip(tile.start, units, strict=True)]
        start = tuple(a - b for a, b in zip(tile.start, before, strict=True))
        return Tile(start, tuple(n + b for n, b in zip(tile.shape, before, strict=True)))


def choose_grid(factors: Sequence[float], strides: Sequence[int]) -> ModelGrid:
    """Return the grid whose factors are nearest to those that are wanted, within some per cent.

    Parameters
    ----------
    factors
        Length of an image pixel in model pixels, along each axis of the model.
    strides
        Down-sampling of the network along each axis.
    """
    n_before = len(factors) - 2
    steps = [lcm(stride, CELL if axis >= n_before else 1) for axis, stride in enumerate(strides)]
    units = [_unit(factor, step) for factor, step in zip(factors, steps, strict=True)]
    return ModelGrid(tuple(a for a, _ in units), tuple(b for _, b in units))


def _unit(factor: float, step: int) -> tuple[int, int]:
    """Return the shortest multiple of a step that is nearly a whole number of image pixels, and that number.

    Where the model's grid is the finer one, the number is even: of two labels to choose from, pixels of the
    image take the one before and the one after in turn.
    """
    even = 2 if factor > 1 else 1
    tried = []
    for length in range(step, (_LONGEST + 1) * step, step):
        exact = length / factor
        whole = max(1, round(exact / even)) * even
        error = abs(whole / exact - 1)
        if error <= _TOLERANCE:
            return length, whole
        tried.append((error, length, whole))
    _, length, whole = min(tried)
    return length, whole
