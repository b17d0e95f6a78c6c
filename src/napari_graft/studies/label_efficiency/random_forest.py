"""The usual tool without a network: a random forest on filter responses, and a watershed of what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from typing import Any, Literal

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
SMALLEST = 25
"""Pixels of an object."""
_BACKGROUND, _BORDER, _INSIDE = 0, 1, 2

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SeedSettings:
    """How the seeds of the watershed are found.

    Parameters
    ----------
    by
        ``inside``: what is surely inside; ``distance``: where it is far to what is not.
    level
        Probability of the inside above which a pixel belongs to the inside.
    smoothing
        Standard deviation in pixels of the Gaussian that goes over the probability or over the distance.
    """

    by: Literal["inside", "distance"]
    level: float
    smoothing: float


SEEDS = (
    *(SeedSettings("inside", *one) for one in product((0.5, 0.6, 0.7, 0.8, 0.9), (0.0, 1.0, 2.0))),
    *(SeedSettings("distance", *one) for one in product((0.4, 0.5, 0.6), (1.0, 2.0, 3.0))),
)
"""What is tried on the annotated tiles."""
USUAL_SEEDS = SeedSettings("inside", 0.7, 1.0)
"""Taken where the tiles do not tell: looser ones join what touches, of which a few tiles may show nothing."""
SAME_QUALITY = 0.02
"""Difference of two scores that so few objects cannot tell."""


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
    seeds
        How its answers become objects.
    """

    forest: Any
    seeds: SeedSettings

    def segment(self, image: Image) -> NDArray[np.uint32]:
        """Return the objects of an image (y, x), ids from 1."""
        return watershed_of(probabilities(self.forest, image), self.seeds)


def train_forest(
    images: Sequence[Image], annotations: Sequence[NDArray[np.integer]], structure: str, seed: int
) -> PixelForest:
    """Train a forest on annotated tiles, and tune the seeds of its objects on them.

    They are tuned on what forests say of tiles that they have not learned from (`_unlearned`): of its own
    pixels a forest is sure, so that every setting looks perfect there, and objects that touch would be joined
    everywhere else.

    Parameters
    ----------
    images
        Tiles, each (y, x).
    annotations
        0 unlabelled, 1 background, 2… objects, of the same shapes.
    structure
        Decides what the seeds are tuned for.
    seed
        Decides the pixels and the trees.
    """
    parts = list(_unlearned(images, annotations, seed))
    seeds = _best_seeds([found for found, _ in parts], [wanted for _, wanted in parts], structure)
    return PixelForest(_fit(images, annotations, seed), seeds)


def _fit(images: Sequence[Image], annotations: Sequence[NDArray[np.integer]], seed: int) -> Any:
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
    return forest.fit(np.concatenate(rows), np.concatenate(classes))


def _unlearned(
    images: Sequence[Image], annotations: Sequence[NDArray[np.integer]], seed: int
) -> Iterator[tuple[Image, NDArray[np.integer]]]:
    """Yield probabilities of tiles, of a forest that learned from the others alone, with the annotation.

    Every second tile is one of the two parts; a single tile is cut into two.
    """
    if len(images) == 1:
        middle = len(images[0]) // 2
        images = [images[0][:middle], images[0][middle:]]
        annotations = [annotations[0][:middle], annotations[0][middle:]]
    for own, other in ((0, 1), (1, 0)):
        if not any(np.any(one != UNLABELLED) for one in annotations[other::2]):
            continue  # a part without a label teaches nothing
        forest = _fit(images[other::2], annotations[other::2], seed)
        for image, annotation in zip(images[own::2], annotations[own::2], strict=True):
            yield probabilities(forest, image), annotation


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


def watershed_of(chances: Image, seeds: SeedSettings) -> NDArray[np.uint32]:
    """Return objects that grow from their seeds up to the background."""
    from skimage.segmentation import watershed

    if seeds.by == "inside":
        height = ndimage.gaussian_filter(chances[_INSIDE], seeds.smoothing)
        is_seed = height > seeds.level
    else:
        far = ndimage.distance_transform_edt(chances[_INSIDE] > seeds.level)
        height = ndimage.gaussian_filter(far, seeds.smoothing)
        is_seed = (height == ndimage.maximum_filter(height, _APART)) & (far > 1)
    marked, _ = ndimage.label(is_seed)
    grown = watershed(-height, marked, mask=chances[_BACKGROUND] < 0.5)
    is_small = np.bincount(grown.ravel()) < SMALLEST
    return np.where(is_small[grown], 0, grown).astype(np.uint32)


_APART = 7
"""Side in pixels of the square in which the farthest pixel alone is a seed."""


def _best_seeds(
    found: Sequence[Image], annotations: Sequence[NDArray[np.integer]], structure: str
) -> SeedSettings:
    def score(seeds: SeedSettings) -> float:
        scores = evaluate_annotated([watershed_of(one, seeds) for one in found], annotations)
        return -np.inf if scores is None else quality(structure, vi=scores.vi, ap=scores.ap)

    def unlike_usual(seeds: SeedSettings) -> tuple[bool, float, float]:
        distance = abs(seeds.level - USUAL_SEEDS.level), abs(seeds.smoothing - USUAL_SEEDS.smoothing)
        return seeds.by != USUAL_SEEDS.by, *distance

    scores = {seeds: score(seeds) for seeds in SEEDS}
    best = max(scores.values())
    return min((one for one in SEEDS if scores[one] >= best - SAME_QUALITY), key=unlike_usual)
