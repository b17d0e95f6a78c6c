"""Consistency of a source's objects under small changes of the image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from napari_graft.core.progress import CancelToken
from napari_graft.inference.predictor import Predictor
from napari_graft.metrics.contingency import tabulate
from napari_graft.metrics.scores import adapted_rand_error
from napari_graft.nets.network import Network
from napari_graft.scorers.found_objects import Image, Segments, find_objects, telling_tiles
from napari_graft.scorers.scoring_context import ComputeContext, ScoringContext
from napari_graft.segmentation.settings import DecodeSettings

FILLING = 0.5
"""Share of a tile beyond which its only object is none: nothing was told apart."""
LEAST_FILLED = 0.025
"""Share of the most contrasted tiles that objects fill at least: who finds less overlooks what is there."""
_SEED = 0

SegmentPairs = Iterable[tuple[Segments, Segments]]


def consistency(context: ScoringContext) -> float:
    """Return the agreement of the objects in the image with those in changed copies of it, 0 to 1.

    The changes are those of another day at the microscope: a gamma up or down, less contrast, noise. After
    CRank (Talks et al., arXiv 2503.00450), whose score of instances is 1 minus the adapted Rand error. A
    network that finds nothing, or one object in all of a tile, is perfectly consistent and of no use: such
    tiles have no say (`mean_agreement`), and where all are such it is 0. The tiles are those where there is
    something to find (`telling_tiles`): much of an ordinary image can be empty, and says nothing of any
    source. A few specks in all of them are consistent too, and hardly what is wanted: below `LEAST_FILLED`
    the agreement counts in proportion.
    """
    return _consistency(context.predictor, context.decode, context.found, context.compute.cancel)


def consistency_of(
    network: Network, settings: DecodeSettings, tiles: Sequence[Image], compute: ComputeContext
) -> float:
    """Return the consistency of a network on normalised tiles on its own grid; see `consistency`."""
    predictor = Predictor(network, compute.device)
    chosen = telling_tiles(tiles, network.spec.ndim)
    found = [(tile, find_objects(predictor, settings, tile, compute.cancel)) for tile in chosen]
    return _consistency(predictor, settings, found, compute.cancel)


def _consistency(
    predictor: Predictor,
    settings: DecodeSettings,
    found: Iterable[tuple[Image, Segments]],
    cancel: CancelToken,
) -> float:
    rng = np.random.default_rng(_SEED)
    pairs = [
        (plain, find_objects(predictor, settings, changed, cancel))
        for tile, plain in found
        for changed in changes(tile, rng)
    ]
    filled = float(np.mean([np.mean(plain > 0) for plain, _ in pairs]))
    return mean_agreement(pairs) * min(1.0, filled / LEAST_FILLED)


def changes(image: Image, rng: np.random.Generator) -> list[Image]:
    """Return copies of a normalised image with another gamma, and with less contrast and noise."""
    low, high = float(image.min()), float(image.max())
    span = max(high - low, 1e-6)
    share = (image - low) / span
    darker, brighter = (low + span * share**gamma for gamma in (1.35, 0.75))
    middle = image.mean()
    noisy = middle + 0.8 * (image - middle) + rng.normal(0, 0.05 * span, image.shape)
    return [one.astype(np.float32) for one in (darker, brighter, noisy)]


def mean_agreement(pairs: SegmentPairs) -> float:
    """Return the mean agreement of segmentations with others, each weighed by its number of objects.

    So a tile that shows no object, or a part of a large one alone, does not count against a source. 0 where
    no tile shows any.

    Parameters
    ----------
    pairs
        The objects of each tile, and those that were found in a changed copy of it.
    """
    weighed = [(count_objects(plain), agreement(plain, changed)) for plain, changed in pairs]
    n_objects = sum(n for n, _ in weighed)
    return sum(n * value for n, value in weighed) / n_objects if n_objects else 0.0


def count_objects(segments: Segments) -> int:
    """Return the number of objects, 0 where the only one fills more than a share of all (`FILLING`)."""
    sizes = np.bincount(segments.ravel())[1:]
    sizes = sizes[sizes > 0]
    return 0 if sizes.size == 1 and sizes[0] > FILLING * segments.size else int(sizes.size)


def agreement(first: Segments, second: Segments, fewest: int = 1) -> float:
    """Return 1 minus the adapted Rand error, the mean of both directions; 0 where one has too few objects.

    Each direction looks at the pixels of one side's objects, so that both together see all pixels that
    either calls an object.
    """
    if min(count_objects(first), count_objects(second)) < fewest:
        return 0.0
    errors = [adapted_rand_error(tabulate(a, b)) for a, b in ((first, second), (second, first))]
    return float(1 - np.mean(errors))
