"""Which view of an image is taken for a source, by what was measured of each."""

from __future__ import annotations

import pytest

from napari_graft.fingerprints.distance import LIKE_OWN_LIMIT
from napari_graft.scorers.best_view import most_consistent_scale, nearest_view

FAR = 20 * LIKE_OWN_LIMIT
VIEWS = ("plain", "negative", "stain")


@pytest.mark.parametrize(
    ("z", "consistency", "expected"),
    [
        ((FAR, 0.5 * FAR, 0.3 * FAR), (0.5, 0.5, 0.5), "stain"),
        ((FAR, 0.5 * FAR, 0.3 * FAR), (0.5, 0.6, 0.4), "negative"),  # the nearest is less consistent
        ((FAR, 0.97 * FAR, FAR), (0.1, 0.9, 0.9), "plain"),  # a tie
        ((FAR, 0.5 * FAR, 0.3 * FAR), (0.5, 0.4, 0.4), "plain"),
        ((FAR, None, 0.3 * FAR), (0.5, 0.5, 0.5), "stain"),
        ((LIKE_OWN_LIMIT, 0.0, 0.0), (0.0, 1.0, 1.0), "plain"),  # like the source's own already
        ((None, 0.0, 0.0), (0.0, 1.0, 1.0), "plain"),
    ],
)
def test_a_view_is_taken_that_is_clearly_nearer_and_no_less_consistent(
    z: tuple[float | None, ...], consistency: tuple[float, ...], expected: str
) -> None:
    distances, values = (dict(zip(VIEWS, one, strict=True)) for one in (z, consistency))

    assert nearest_view(VIEWS, lambda view: distances[view], lambda view: values[view]) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [((0.66, 0.98, 0.70), 0.5), ((0.66, 0.70, 0.74), 1.0), ((0.2, 0.5, 0.9), 2.0), ((0.9, 0.9, 0.9), 1.0)],
)
def test_another_scale_has_to_be_clearly_more_consistent(values: tuple[float, ...], expected: float) -> None:
    known = dict(zip((1.0, 0.5, 2.0), values, strict=True))

    assert most_consistent_scale(tuple(known), lambda zoom: known[zoom]) == expected
