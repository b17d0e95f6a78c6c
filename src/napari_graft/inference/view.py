"""An image as one model wants to see it: its grey range, its pixel size and grid, its number of axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange, contrast_reach, flatten, local_statistics
from napari_graft.imaging.resample import enlarge_labels, resample_image, resample_labels
from napari_graft.io.volume import Volume
from napari_graft.sources.network_spec import NetworkSpec

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


_TIMES_AROUND = 2
"""How far the window of the contrast reaches beyond a tile at most, in lengths of the image."""


@dataclass(frozen=True, slots=True)
class ModelView:
    """An image on the grid of a model: reads tiles there, and brings results back onto the image's grid.

    A 2-D model sees a stack slice by slice: tiles are one slice thick and lose that axis on the model's grid.

    Parameters
    ----------
    volume
        The image.
    intensity
        Its grey range, measured over the whole volume.
    spec
        The model's number of axes, pixel size, diameter of objects, contrast and polarity. Where either pixel
        size is unknown, and either diameter, the image is taken at its own scale.
    object_diameter
        Diameter of the wanted objects in pixels of the image, within a plane; None where it is not known.
        Where the model knows its own, this decides the scale, and not the pixel size.
    """

    volume: Volume
    intensity: IntensityRange
    spec: NetworkSpec
    object_diameter: float | None = None

    def __post_init__(self) -> None:
        if self.volume.axes.ndim < self.spec.ndim:
            raise InputError("a 3-D model cannot see a 2-D image: choose a 2-D source")

    @property
    def factors(self) -> tuple[float, ...]:
        """Length of an image pixel in model pixels, along each axis of the model; see `grid`."""
        return self.grid.factors

    @property
    def grid(self) -> ModelGrid:
        """The grid of the model, with the `scale_factors` of image and model up to some per cent."""
        wanted = scale_factors(self.volume.axes, self.spec, self.object_diameter)
        return choose_grid(wanted, self.spec.total_stride)

    def shape_on_model(self, tile: Tile) -> tuple[int, ...]:
        """Return the shape of a tile on the model's grid.

        Raises
        ------
        InputError
            If a 2-D model is shown a tile of several slices.
        """
        dropped = tile.shape[: tile.ndim - self.spec.ndim]
        if any(n != 1 for n in dropped):
            raise InputError(f"tile shape {tile.shape} must be one slice thick for a 2-D model")
        kept = tile.shape[tile.ndim - self.spec.ndim :]
        return tuple(max(1, round(n * f)) for n, f in zip(kept, self.factors, strict=True))

    def on_image(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """Return lengths in model pixels in image pixels, rounded up; 0 along axes that the model lacks."""
        own = [ceil(n / f) for n, f in zip(lengths, self.factors, strict=True)]
        return (0,) * (self.volume.axes.ndim - self.spec.ndim) + tuple(own)

    def read(self, tile: Tile) -> NDArray[np.float32]:
        """Return the normalised pixels of a tile on the model's grid, float32."""
        image, _ = self._read_range(tile)
        window = self.spec.contrast_window
        if window is None:
            return image
        grid, reach = self.grid, contrast_reach(window)
        # What lies further is the image again, mirrored, and again: it adds nothing but time.
        around_it = [
            -(-_TIMES_AROUND * n // unit)
            for n, unit in zip(self.volume.shape[-2:], grid.on_image[-2:], strict=True)
        ]
        reaching = [-(-reach // length) for length in grid.on_model[-2:]]
        n_units = [0] * (self.spec.ndim - 2) + list(map(min, reaching, around_it))
        sides = [n * unit for n, unit in zip(n_units, grid.on_image, strict=True)]
        around, weights = self._read_range(tile.grow((*(0,) * (tile.ndim - self.spec.ndim), *sides)))
        starts = [n * unit for n, unit in zip(n_units, grid.on_model, strict=True)]
        box = tuple(slice(a, a + n) for a, n in zip(starts, image.shape, strict=True))
        mean, spread = (one[box] for one in local_statistics(around, window, weights))
        return flatten(image, mean, spread)

    def _read_range(self, tile: Tile) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return the pixels on the model's grid, and how much of each holds data; None where all do."""
        pixels, has_data = self.volume.read_with_gaps(tile)
        grey = self.intensity.normalise(pixels)
        image = self._to_model(-grey if self.spec.inverted else grey, tile)
        return image, None if has_data is None else self._to_model(has_data.astype(np.float32), tile)

    def _to_model(self, pixels: NDArray[np.float32], tile: Tile) -> NDArray[np.float32]:
        shape = self.shape_on_model(tile)  # refuses what has too many slices
        flat = pixels.reshape(tile.shape[-self.spec.ndim :])
        return np.ascontiguousarray(resample_image(flat, shape, self.grid.to_model))

    def align(self, tile: Tile) -> Tile:
        """Let a tile of the image begin where the model's grid does; see `ModelGrid`."""
        return self.grid.align(tile)

    def labels_to_model(self, labels: NDArray[np.integer], tile: Tile) -> NDArray[np.int32]:
        """Bring labels of a tile onto the model's grid, int32."""
        flat = labels.reshape(tile.shape[-self.spec.ndim :])
        found = resample_labels(flat, self.shape_on_model(tile), self.grid.to_model)
        return np.ascontiguousarray(found, dtype=np.int32)

    def labels_to_image(self, labels: NDArray[np.integer], tile: Tile) -> NDArray[np.uint32]:
        """Bring segments of a tile from the model's grid onto the image's, uint32, shape of the tile."""
        found = enlarge_labels(labels, tile.shape[-self.spec.ndim :], self.grid.to_image)
        return found.reshape(tile.shape).astype(np.uint32)

    def map_to_image(self, values: NDArray[np.float32], tile: Tile) -> NDArray[np.float32]:
        """Bring a map of numbers, such as an uncertainty, onto the image's grid, shape of the tile."""
        found = resample_image(values, tile.shape[-self.spec.ndim :], self.grid.to_image)
        return found.reshape(tile.shape)


def scale_factors(axes: Axes, spec: NetworkSpec, object_diameter: float | None = None) -> tuple[float, ...]:
    """Return the length of an image pixel in model pixels, along each axis of the model.

    Within a plane the diameters of the objects decide where both are known, else the pixel sizes; it is 1
    where neither can. There the zoom of the model comes on top.

    Parameters
    ----------
    object_diameter
        In pixels of the image.
    """
    own = axes.pixel_size_in("nm")
    if own is None or spec.pixel_size is None:
        factors = (1.0,) * spec.ndim
    else:
        factors = tuple(a / b for a, b in zip(own[-spec.ndim :], spec.pixel_size, strict=True))
    in_plane = factors[-2:]
    if object_diameter is not None and spec.object_diameter is not None:
        in_plane = (spec.object_diameter / object_diameter,) * 2
    return (*factors[:-2], *(spec.zoom * factor for factor in in_plane))
