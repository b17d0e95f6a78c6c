"""Whether what sources find is darker or brighter than what lies around it, and who is alone with that."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.scorers.scoring_context import ScoringContext

_AROUND = 5
"""Width of the ring around an object that it is compared with, in pixels of the network."""
_CLEAR = 1 / 3
"""Share of the votes by which one side must lead, two thirds to one third."""
_FEWEST = 4
"""Sources that find something, below which there is no vote."""


def contrast(context: ScoringContext) -> float | None:
    """Return how much brighter than their surroundings the objects are that a source finds untouched.

    Of the image as it is, whatever view the source sees it in, in its normalised greys: negative where they
    are darker. None where it finds nothing.
    """
    compared = (difference_around(tile, objects > 0) for tile, objects in context.found)
    differences = [difference for difference in compared if difference is not None]
    if not differences:
        return None
    return float(np.mean(differences)) * (-1 if context.network.spec.inverted else 1)


def difference_around(image: NDArray[np.float32], is_object: NDArray[np.bool_]) -> float | None:
    """Return the mean grey of objects less that around them; None where there is one of both only."""
    is_around = ndimage.binary_dilation(is_object, iterations=_AROUND) & ~is_object
    if not is_object.any() or not is_around.any():
        return None
    return float(image[is_object].mean() - image[is_around].mean())


def outvoted(contrasts: Mapping[str, float | None], weights: Mapping[str, float]) -> set[str]:
    """Return the sources whose objects are bright where those of nearly all others are dark, or vice versa.

    Objects of one kind are dark or bright on one image. Sources know different images, so that what lies
    between the objects looks like an object to few of them, however consistent.

    Parameters
    ----------
    contrasts
        See `contrast`, by source.
    weights
        What each vote counts, its consistency.
    """
    votes = {
        one: weights.get(one, 0.0) * float(np.sign(value))
        for one, value in contrasts.items()
        if value is not None
    }
    total, cast = sum(votes.values()), sum(abs(vote) for vote in votes.values())
    if len(votes) < _FEWEST or abs(total) <= _CLEAR * cast:
        return set()
    return {one for one, vote in votes.items() if vote * total < 0}
