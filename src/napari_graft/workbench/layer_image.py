"""An image as it lies in a viewer: pixels, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_graft.core.axes import SPATIAL_NAMES, Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_volume
from napari_graft.io.volume import LazyArray


@dataclass(frozen=True, slots=True, eq=False)
class LayerImage:
    """Describe an image layer without reading it.

    Parameters
    ----------
    name
        Name of the layer.
    data
        Pixels at full resolution, channels last where there are any.
    has_channels
        Whether the last axis holds red, green, blue (and alpha).
    pixel_size, unit
        Length of a pixel along each spatial axis, None where the layer does not say.
    path
        File that it was opened from, None where it was made in memory.
    """

    name: str
    data: LazyArray
    has_channels: bool = False
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    path: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each spatial axis."""
        return tuple(self.data.shape[:-1] if self.has_channels else self.data.shape)

    def axes(self) -> Axes:
        """Return the spatial axes.

        Raises
        ------
        InputError
            If there are other than two or three.
        """
        if len(self.shape) not in (2, 3):
            raise InputError(
                f"layer {self.name!r} has {len(self.shape)} axes, of shape {self.shape}: "
                "choose a 2-D image or a stack; of a time series, extract one time point first"
            )
        return Axes(SPATIAL_NAMES[-len(self.shape) :], self.pixel_size, self.unit)

    def is_in_file(self) -> bool:
        """Say whether the file that it was opened from holds just these pixels, so that no copy is needed."""
        if self.path is None:
            return False
        try:
            volume = open_volume(self.path)
        except InputError:
            return False
        if volume.shape != self.shape or np.dtype(volume.data.dtype) != np.dtype(self.data.dtype):
            return False
        middle = Tile(tuple(max(0, n // 2 - 16) for n in self.shape), tuple(min(n, 32) for n in self.shape))
        if len(self.shape) == 3:
            middle = Tile((self.shape[0] // 2, *middle.start[1:]), (1, *middle.shape[1:]))
        own = np.asarray(self.data[middle.slices])
        return bool(np.array_equal(np.asarray(volume.read_raw(middle)), own))
