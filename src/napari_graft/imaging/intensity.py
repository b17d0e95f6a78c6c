"""Bring the intensities of an image to the range that networks expect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.io.sampling import no_data_at_all, pixels_with_data, sample_tiles
from napari_graft.io.volume import Volume

LARGEST_NORMALISED = 1.5


@dataclass(frozen=True, slots=True)
class IntensityRange:
    """Intensity range of a volume: what is dark and what is bright.

    Parameters
    ----------
    low, high
        Intensities that become -1 and +1.
    inverted
        Whether dark and bright change places.
    """

    low: float
    high: float
    inverted: bool = False

    def __post_init__(self) -> None:
        if not -np.inf < self.low < self.high < np.inf:
            raise InputError(
                f"intensity range {self.low} to {self.high} must be finite with low < high: give another"
            )

    def normalise(self, array: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return ``clip(2 (array - low) / (high - low) - 1, -1.5, 1.5)`` float32, negated where inverted."""
        # large integers lose their last digits in float32
        precise: type[np.floating] = np.float64 if array.dtype.itemsize > 4 else np.float32
        values: NDArray[np.floating] = array.astype(precise)
        values -= (self.low + self.high) / 2
        values *= (-2.0 if self.inverted else 2.0) / (self.high - self.low)
        np.clip(values, -LARGEST_NORMALISED, LARGEST_NORMALISED, out=values)
        return values.astype(np.float32, copy=False)


def estimate_intensity_range(
    volume: Volume,
    rng: np.random.Generator,
    *,
    percentiles: tuple[float, float] = (0.5, 99.5),
    max_pixels: int = 4_000_000,
) -> IntensityRange:
    """Estimate the range as two percentiles of random tiles from the whole volume, or of all pixels if few.

    Where the percentiles coincide (a few bright spots on black) the smallest and largest pixel are taken.
    Pixels without data are left out.

    Raises
    ------
    InputError
        If the pixels read are all equal or without data, or one is NaN or infinite.
    """
    tiles = sample_tiles(volume, rng, max_pixels=max_pixels)
    pixels = np.concatenate([pixels_with_data(volume, tile) for tile in tiles])
    if not pixels.size:
        raise InputError(no_data_at_all(volume))
    low, high = (float(value) for value in np.percentile(pixels, percentiles))
    if low == high:
        low, high = float(pixels.min()), float(pixels.max())
    if low == high:
        raise InputError(f"all pixels read from {volume.name} are {low:g}: give an image with some contrast")
    return IntensityRange(low, high)
