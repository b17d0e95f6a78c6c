"""The usual tool without a network: a random forest on filter responses, and a watershed of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.core.labels import BACKGROUND, FIRST_OBJECT, UNLABELLED
from napari_graft.metrics.evaluate import evaluate_annotated
from napari_graft.metrics.scores import quality

MISSING = "scikit-learn is not installed, so the random forest is left out: pip install scikit-learn"
SCALES = (0.7, 1.6, 3.5, 7.0)
MOST_PIXELS = 20_000
"""Of each class that the forest learns from."""
N_TREES = 100
SEED_LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
SMALLEST = 25
"""Pixels of an object."""
_BACKGROUND, _BORDER, _INSIDE = 0, 1, 2

Image = NDArray[np.float32]


def is_available() -> bool:
    """Say whether scikit-learn is installed."""
    return find_spec("sklearn") is not None


def filter_responses(image: Image) -> NDArray[np.float32]:
    """Return filter responses of an image (y, x), float32 (n, y, x).

    At each scale: smoothed, gradient magnitude, Laplacian, and the eigenvalues of the Hessian and of the
    structure tensor, as ilastik offers (Berg et al., Nature Methods 2019).
    """
    found: list[NDArray[Any]] = [image]
    for scale in SCALES:
        smooth = ndimage.gaussian_filter(image, scale)
        dy, dx = np.gradient(smooth)
        (yy, yx), (_, xx) = np.gradient(dy), np.gradient(dx)
        outer = [ndimage.gaussian_filter(one, scale) for one in (dy * dy, dy * dx, dx * dx)]
        found += [smooth, np.hypot(dy, dx), yy + xx, *_eigenvalues(yy, yx, xx), *_eigenvalues(*outer)]
    return np.stack(found).astype(np.float32)


def _eigenvalues(yy: NDArray[Any], yx: NDArray[Any], xx: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    middle, half = (yy + xx) / 2, np.hypot((yy - xx) / 2, yx)
    return middle + half, middle - half


@dataclass(frozen=True, slots=True)
class PixelForest:
    """Pixel classifier with three classes: background, border of an object, inside of one.

    Parameters
    ----------
    forest
        The classifier.
    level
        Probability of the inside above which a pixel belongs to the seed of an object.
    """

    forest: Any
    level: float

    def segment(self, image: Image) -> NDArray[np.uint32]:
        """Return the objects of an image (y, x), ids from 1."""
        return watershed_of(self._probabilities(image), self.level)

    def _probabilities(self, image: Image) -> Image:
        return probabilities(self.forest, image)


def train_forest(
    images: Sequence[Image], annotations: Sequence[NDArray[np.integer]], structure: str, seed: int
) -> PixelForest:
    """Train a forest on annotated tiles, and tune the level of the seeds on them.

    Parameters
    ----------
    images
        Tiles, each (y, x).
    annotations
        0 unlabelled, 1 background, 2… objects, of the same shapes.
    structure
        Decides what the level is tuned for.
    seed
        Decides the pixels and the trees.
    """
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(seed)
    rows, classes = [], []
    for image, annotation in zip(images, annotations, strict=True):
        responses, wanted = filter_responses(image).reshape(-1, image.size).T, pixel_classes(annotation)
        for value in (_BACKGROUND, _BORDER, _INSIDE):
            pixels = np.flatnonzero((wanted == value) & (annotation.ravel() != UNLABELLED))
            drawn = rng.choice(pixels, min(len(pixels), MOST_PIXELS // len(images)), replace=False)
            rows.append(responses[drawn])
            classes.append(np.full(len(drawn), value))
    forest = RandomForestClassifier(N_TREES, min_samples_leaf=5, random_state=seed, n_jobs=1)
    forest.fit(np.concatenate(rows), np.concatenate(classes))
    found = [probabilities(forest, image) for image in images]
    return PixelForest(forest, _best_level(found, annotations, structure))


def pixel_classes(annotation: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the class of each pixel, flat: border is what lies in an object beside anything else."""
    is_object = annotation >= FIRST_OBJECT
    low = ndimage.minimum_filter(annotation, 3, mode="nearest")
    high = ndimage.maximum_filter(annotation, 3, mode="nearest")
    classes = np.where(is_object & (low != high), _BORDER, np.where(is_object, _INSIDE, _BACKGROUND))
    return np.where(annotation == BACKGROUND, _BACKGROUND, classes).ravel()


def probabilities(forest: Any, image: Image) -> Image:
    """Return the probability of each class, float32 (3, y, x); 0 for a class that nobody painted."""
    answered = forest.predict_proba(filter_responses(image).reshape(-1, image.size).T)
    found = np.zeros((3, image.size), np.float32)
    found[forest.classes_] = answered.T
    return found.reshape(3, *image.shape)


def watershed_of(chances: Image, level: float) -> NDArray[np.uint32]:
    """Return objects that grow from where the inside is surer than a level, up to the background."""
    from skimage.segmentation import watershed

    inside = ndimage.gaussian_filter(chances[_INSIDE], 1.0)
    seeds, _ = ndimage.label(inside > level)
    grown = watershed(-inside, seeds, mask=chances[_BACKGROUND] < 0.5)
    is_small = np.bincount(grown.ravel()) < SMALLEST
    return np.where(is_small[grown], 0, grown).astype(np.uint32)


def _best_level(found: Sequence[Image], annotations: Sequence[NDArray[np.integer]], structure: str) -> float:
    def score(level: float) -> float:
        scores = evaluate_annotated([watershed_of(one, level) for one in found], annotations)
        return -np.inf if scores is None else quality(structure, vi=scores.vi, ap=scores.ap)

    return max(SEED_LEVELS, key=score)
