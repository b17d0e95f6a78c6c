"""A predictor whose objects are known: the connected bright regions of the image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from napari_graft.core.axes import Axes
from napari_graft.core.progress import CancelToken
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io import open_labels
from napari_graft.io.volume import Volume
from napari_graft.nets import build_network
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.network_spec import ModelSpec

EVERYTHING = DecodeSettings(min_size=0)


class BrightRegions(Predictor):
    """Say that bright pixels are objects, and that pixels between which nothing is dark belong together."""

    def __init__(self, ndim: int = 2, watch: Callable[[CancelToken | None], None] | None = None) -> None:
        super().__init__(build_network(ModelSpec(ndim=ndim, widths=(2,))), torch.device("cpu"))
        self._watch = watch

    def predict_array(self, image: np.ndarray, cancel: CancelToken | None = None) -> np.ndarray:
        """Return probabilities of 0 and 1."""
        if self._watch is not None:
            self._watch(cancel)
        probabilities = np.ones((self.spec.n_outputs, *image.shape), np.float32)
        probabilities[: 1 + self.spec.n_attractive] = image > 0
        return probabilities


def view_of(image: np.ndarray, spec: ModelSpec, axes: Axes | None = None) -> ModelView:
    return ModelView(Volume(image, axes or Axes(("z", "y", "x")[-image.ndim :])), IntensityRange(0, 1), spec)


def draw_discs(shape: tuple[int, ...], rng: np.random.Generator, n: int = 60) -> np.ndarray:
    """Draw discs (balls) smaller than a halo and some bars across the whole image, as 0 and 1."""
    image = np.zeros(shape, np.float32)
    coordinates = np.indices(shape)
    for _ in range(n):
        centre = rng.integers(0, shape)
        distance = sum((grid - c) ** 2 for grid, c in zip(coordinates, centre, strict=True))
        image[distance <= rng.integers(1, 5) ** 2] = 1
    image[..., shape[-2] // 2, :] = 1
    image[..., shape[-1] // 3] = 1
    return image


def connected_regions(image: np.ndarray, *, slicewise: bool) -> np.ndarray:
    structure = ndimage.generate_binary_structure(image.ndim, 1)
    if slicewise:
        structure[[0, 2]] = False
    return ndimage.label(image > 0.5, structure)[0]


def read_all(path: Path) -> np.ndarray:
    volume = open_labels(path)
    return np.asarray(volume.data[(slice(None),) * volume.data.ndim])


def assert_same_objects(found: np.ndarray, expected: np.ndarray) -> None:
    """Compare two segmentations up to the numbers of the objects; the found ones have no gaps."""
    pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
    n_objects = expected.max()
    assert pairs.shape[1] == np.unique(expected).size
    assert len(set(pairs[0])) == pairs.shape[1]
    np.testing.assert_array_equal(np.unique(found[found > 0]), np.arange(1, n_objects + 1))
    np.testing.assert_array_equal(found == 0, expected == 0)
