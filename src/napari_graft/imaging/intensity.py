"""Bring the intensities of an image to the range that networks expect, and take uneven light out of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.imaging.resample import resample_image
from napari_graft.io.volume import Volume, no_data_at_all, pixels_with_data, sample_tiles

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


_N_BOXES = 3
_CELLS = 8
"""Mean and spread vary slowly: they are taken on a grid of so many cells to a standard deviation."""
LARGEST_CELL = 8
"""In pixels; see `_cell`."""
_LEAST_SPREAD = 0.1
"""Least spread, where an image reaches from -1 to 1: the noise of an empty field stays noise."""
_LEAST_WEIGHT = 1e-3
"""Mean weight below which a mean over it is rounding and nothing else."""
_SHOWN_DEVIATIONS = 2.0
"""So many deviations from the mean become 1."""

Image = NDArray[np.float32]


def contrast_reach(window: float) -> int:
    """Return how many pixels away something may lie that still counts in `local_contrast`."""
    cell = _cell(window)
    return (_N_BOXES * (_box_width(window / cell) // 2) + 1) * cell


def local_contrast(image: Image, window: float) -> Image:
    """Return ``clip((image - mean) / (2 spread), -1.5, 1.5)`` with mean and spread around each pixel.

    Parameters
    ----------
    image
        Grey, about -1 to 1 (see `IntensityRange`), (..., y, x); a stack plane by plane.
    window
        Standard deviation of the window in pixels.
    """
    return flatten(image, *local_statistics(image, window))


def local_statistics(image: Image, window: float, weights: Image | None = None) -> tuple[Image, Image]:
    """Return mean and spread of grey around each pixel, ``spread = sqrt(variance + 0.1²)``.

    The window is a Gaussian, made of three boxes, so that nothing further away than `contrast_reach` counts,
    and tiles that are read with that margin meet without a seam. See `local_contrast` for the parameters.

    Parameters
    ----------
    weights
        How much each pixel counts, 0 to 1, shape of `image`; None where all count alike. Where none within
        reach counts, all do.
    """
    if weights is not None:
        return _weighted_statistics(image, window, weights)
    mean, square = (_coarse_mean(one, window) for one in (image, image * image))
    return _finish(mean, square, image.shape[-2:], window)


def _weighted_statistics(image: Image, window: float, weights: Image) -> tuple[Image, Image]:
    """Return `local_statistics` as normalised convolution (Knutsson & Westin, CVPR 1993)."""
    counted = image * weights
    total = _coarse_mean(weights, window)
    has_any = total > _LEAST_WEIGHT
    safe = np.where(has_any, total, np.float32(1))
    mean, square = (
        np.where(has_any, _coarse_mean(some, window) / safe, _coarse_mean(every, window))
        for some, every in ((counted, image), (counted * image, image * image))
    )
    return _finish(mean, square, image.shape[-2:], window)


def _coarse_mean(image: Image, window: float) -> Image:
    """Return the mean around each cell of the coarse grid."""
    cell = _cell(window)
    coarse = tuple(-(-n // cell) for n in image.shape[-2:])
    return _smooth(resample_image(image, coarse, (Fraction(cell),) * 2), _box_width(window / cell))


def _finish(mean: Image, square: Image, shape: tuple[int, ...], window: float) -> tuple[Image, Image]:
    """Return mean and spread on the grid of the image, from coarse means of grey and its square."""
    spread = np.sqrt(np.maximum(square - mean * mean, 0) + np.float32(_LEAST_SPREAD**2))
    up = (Fraction(1, _cell(window)),) * 2
    return resample_image(mean, shape, up), resample_image(spread, shape, up)


def flatten(image: Image, mean: Image, spread: Image) -> Image:
    """Return ``clip((image - mean) / (2 spread), -1.5, 1.5)``, float32."""
    flat = image - mean
    flat /= spread * np.float32(_SHOWN_DEVIATIONS)
    return np.clip(flat, -LARGEST_NORMALISED, LARGEST_NORMALISED, out=flat)


def _cell(window: float) -> int:
    """Return a power of two: tiles whose starts are multiples of the largest one have the same cells."""
    cell = 1
    while 2 * cell <= min(window / _CELLS, LARGEST_CELL):
        cell *= 2
    return cell


def _box_width(window: float) -> int:
    """Return the odd width of a box, three of which in a row have the standard deviation `window`."""
    return 2 * round((sqrt(12 * window**2 / _N_BOXES + 1) - 1) / 2) + 1


def _smooth(image: Image, width: int) -> Image:
    from scipy.ndimage import uniform_filter1d

    smooth = image
    for axis in (-2, -1):
        for _ in range(_N_BOXES):
            smooth = uniform_filter1d(smooth, width, axis=axis, mode="reflect")
    return np.asarray(smooth, np.float32)
