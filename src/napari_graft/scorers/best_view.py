"""The view of an image that suits a source best: its negative, a stain, another scale, or as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from napari_graft.fingerprints.distance import LIKE_OWN_LIMIT

View = TypeVar("View")

CLEARLY_NEARER = 0.95
"""Share of the distance below which another view is the nearer one: a tie is no reason for it."""
CONSISTENCY_NOISE = 0.02
"""Difference of two consistencies that means nothing."""
CLEARLY_MORE_CONSISTENT = 0.1
"""By how much a source has to be more consistent at another scale."""


def nearest_view(
    views: Sequence[View], z: Callable[[View], float | None], consistency: Callable[[View], float]
) -> View:
    """Return the first view, or that which brings the image clearly nearer to a source.

    Where the image as it is looks like the source's own, nothing else is measured. Otherwise the nearest of
    the other views is taken that is clearly nearer, and in which what the source finds is no less consistent.

    Parameters
    ----------
    views
        First the image as it is.
    z, consistency
        Distance of the image in a view from the source's training images, None without a fingerprint; and
        agreement of what the source finds there with what it finds in changed copies.
    """
    plain, *others = views
    as_it_is = z(plain)
    if as_it_is is None or as_it_is <= LIKE_OWN_LIMIT:
        return plain
    found = [(value, number) for number, one in enumerate(others) if (value := z(one)) is not None]
    for value, number in sorted(found):
        if value >= CLEARLY_NEARER * as_it_is:
            break
        if consistency(others[number]) >= consistency(plain) - CONSISTENCY_NOISE:
            return others[number]
    return plain


def most_consistent_scale(views: Sequence[View], consistency: Callable[[View], float]) -> View:
    """Return the first view, or that of another scale in which a source is clearly more consistent.

    At a wrong scale what is found falls apart when the contrast changes; the distance does not find the scale
    (an image of nuclei can lie further away at the one at which all of them are found).

    Parameters
    ----------
    views
        The same image at several scales, first as it is.
    consistency
        See `nearest_view`.
    """
    values = [consistency(view) for view in views]
    best = max(range(len(views)), key=lambda number: values[number])
    return views[best] if values[best] >= values[0] + CLEARLY_MORE_CONSISTENT else views[0]
