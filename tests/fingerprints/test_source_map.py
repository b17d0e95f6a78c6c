from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exact_mmd import exact_mmd2
from napari_graft.core.errors import InputError
from napari_graft.fingerprints.distance import map_of_fingerprints
from napari_graft.fingerprints.fingerprint import make_fingerprint
from napari_graft.fingerprints.source_map import TARGET, map_of_distances
from napari_graft.sources.fingerprint import Fingerprint

ENCODER = "c0ffee" * 10 + "c0ff"
SHIFTS = {"near": 0.0, "beside": 0.3, "far": 1.5, "farther": 3.0}


def features(shift: float, n: int = 200, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, size=(n, 12)).astype(np.float32)


@pytest.fixture(scope="module")
def ruler() -> Fingerprint:
    return make_fingerprint(features(0.8, 400, 9), None, ENCODER, np.random.default_rng(1))


@pytest.fixture(scope="module")
def known(ruler: Fingerprint) -> dict[str, Fingerprint]:
    return {
        name: make_fingerprint(features(shift, seed=i), None, ENCODER, np.random.default_rng(0), like=ruler)
        for i, (name, shift) in enumerate(SHIFTS.items())
    }


def test_distances_are_those_of_the_exact_estimator(
    ruler: Fingerprint, known: dict[str, Fingerprint]
) -> None:
    mapped = map_of_fingerprints(known, features(1.4, 40, 7))
    sets = [*(features(shift, seed=i) for i, shift in enumerate(SHIFTS.values())), features(1.4, 40, 7)]
    standardised = [(one - ruler.location) / ruler.scale for one in sets]
    exact = [[exact_mmd2(x, y, ruler.bandwidth) for y in standardised] for x in standardised]
    expected = np.sqrt(np.maximum(exact, 0)) * (1 - np.eye(5))

    np.testing.assert_allclose(mapped.distances, expected, atol=0.03)
    np.testing.assert_array_equal(mapped.distances, mapped.distances.T)
    assert (mapped.distances >= 0).all()


def test_alike_sources_are_joined_first_and_the_image_stands_beside_its_source(
    known: dict[str, Fingerprint],
) -> None:
    mapped = map_of_fingerprints(known)
    assert {mapped.names[int(i)] for i in mapped.merges[0, :2]} == {"near", "beside"}

    with_image = map_of_fingerprints(known, features(1.5, 40, 21))
    assert with_image.names[-1] == TARGET
    places = with_image.ordered_names
    assert abs(places.index(TARGET) - places.index("far")) == 1
    assert with_image.nearest_to(TARGET)[0][0] == "far"
    assert {with_image.names[int(i)] for i in with_image.merges[0, :2]} == {"far", TARGET}


@given(st.integers(2, 12), st.integers(0, 99))
def test_branches_join_the_leaves_at_the_mean_distance_of_their_groups(n: int, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(n, 3))
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    mapped = map_of_distances([str(i) for i in range(n)], distances)

    assert sorted(mapped.order) == list(range(n))
    np.testing.assert_array_equal(mapped.ordered_distances, distances[np.ix_(mapped.order, mapped.order)])
    groups = {i: [i] for i in range(n)}
    for k, (a, b, height, _) in enumerate(mapped.merges):
        left, right = groups[int(a)], groups[int(b)]
        assert height == pytest.approx(distances[np.ix_(left, right)].mean())
        groups[n + k] = left + right
    heights = sorted(float(branch[1, 1]) for branch in mapped.branches)
    np.testing.assert_allclose(heights, sorted(mapped.merges[:, 2]))
    feet = mapped.branches[:, [0, 3]].reshape(-1, 2)
    assert sorted(feet[feet[:, 1] == 0, 0]) == list(range(n))


def test_what_is_no_map_is_refused(known: dict[str, Fingerprint]) -> None:
    with pytest.raises(InputError, match="at least two"):
        map_of_distances(["alone"], np.zeros((1, 1)))
    with pytest.raises(InputError, match="no distances"):
        map_of_distances(["a", "b"], np.array([[0, 1.0], [2.0, 0]]))
    with pytest.raises(InputError, match="different encoders"):
        map_of_fingerprints(known | {"other": replace(known["far"], encoder="0" * 64)})
