from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest
from scipy.stats import kstest

from exact_mmd import exact_mmd2
from napari_graft.core.errors import InputError
from napari_graft.fingerprints.distance import FAR, LIKE_OWN, NEAR, distance
from napari_graft.fingerprints.fingerprint import make_fingerprint
from napari_graft.sources.fingerprint import Fingerprint

ENCODER = "c0ffee" * 10 + "c0ff"


def normal(n, d=16, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, size=(n, d)).astype(np.float32)


@pytest.fixture(scope="module")
def source() -> Fingerprint:
    return make_fingerprint(normal(400), None, ENCODER, np.random.default_rng(1))


@pytest.mark.parametrize("m", [8, 24])
def test_p_values_of_the_same_distribution_are_uniform(source, m):
    p_values = [distance(source, normal(m, seed=100 + i)).p_value for i in range(200)]
    assert kstest(p_values, "uniform").pvalue > 0.01


def test_z_is_standard_for_the_same_distribution(source):
    z = [distance(source, normal(16, seed=1000 + i)).z for i in range(200)]
    assert abs(np.mean(z)) < 0.3
    assert 0.75 < np.std(z) < 1.3


def test_new_images_of_the_same_kind_are_not_called_different_when_groups_are_given():
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(20), 12)
    features = (rng.normal(size=(240, 6)) + 0.7 * rng.normal(size=(20, 6))[groups]).astype(np.float32)
    targets = [(rng.normal(size=(12, 6)) + 0.7 * rng.normal(size=6)).astype(np.float32) for _ in range(60)]
    alarms = {}
    for name, given in (("grouped", groups.tolist()), ("free", None)):
        fingerprint = make_fingerprint(features, given, ENCODER, np.random.default_rng(0))
        alarms[name] = np.mean([distance(fingerprint, target).p_value < 0.05 for target in targets])
    assert alarms["grouped"] < 0.15
    assert alarms["free"] > 0.5


def test_z_grows_with_the_shift_and_the_verdict_follows(source):
    found = [distance(source, normal(32, shift=shift, seed=3)) for shift in (0, 0.5, 1, 2)]
    assert np.all(np.diff([one.z for one in found]) > 0)
    assert [found[0].verdict, found[-1].verdict] == [LIKE_OWN, FAR]
    assert NEAR in [one.verdict for one in found]
    assert found[-1].p_value == pytest.approx(1 / 201)


def test_the_verdict_does_not_turn_with_the_number_of_tiles(source):
    verdicts = {distance(source, normal(m, shift=0.5, seed=4)).verdict for m in (16, 32, 64, 128)}
    assert verdicts == {NEAR}


def test_the_distance_is_that_of_the_exact_estimator(source):
    target = normal(300, shift=0.5, seed=6)
    x, y = ((f - source.location) / source.scale for f in (normal(400), target))
    assert distance(source, target).mmd2 == pytest.approx(exact_mmd2(x, y, source.bandwidth), rel=0.1)


def test_the_order_of_tiles_changes_nothing(source):
    target = normal(20, shift=0.3, seed=7)
    # Single precision: on some processors its sums depend on the order by a few parts in 1e9.
    assert distance(source, target[::-1]).z == pytest.approx(distance(source, target).z, abs=1e-6)
    again = make_fingerprint(normal(400)[::-1].copy(), None, ENCODER, np.random.default_rng(1))
    np.testing.assert_allclose(again.mean_embedding, source.mean_embedding, atol=1e-5)


def test_the_scale_of_a_feature_changes_nothing(source):
    factor = np.logspace(-3, 3, 16, dtype=np.float32)
    scaled = make_fingerprint(normal(400) * factor, None, ENCODER, np.random.default_rng(1))
    target = normal(20, shift=0.3, seed=7)
    expected = distance(source, target).z
    # The smallest features fall below the floor of the scale and lose their voice; the rest decide alike.
    assert distance(scaled, target * factor).z == pytest.approx(expected, rel=0.35)
    mild = np.linspace(1, 3, 16, dtype=np.float32)
    scaled = make_fingerprint(normal(400) * mild, None, ENCODER, np.random.default_rng(1))
    assert distance(scaled, target * mild).z == pytest.approx(expected, rel=1e-3)


def test_a_fingerprint_is_the_same_after_storing_and_small(source):
    d = 512
    large = make_fingerprint(normal(130, d), None, ENCODER, np.random.default_rng(1))
    tensors = large.to_tensors()
    assert sum(array.nbytes for array in tensors.values()) < 200_000
    target = normal(16, d, shift=0.1)
    assert distance(Fingerprint.from_tensors(tensors), target) == distance(large, target)


def test_the_same_generator_makes_the_same_fingerprint():
    first, second = (make_fingerprint(normal(40), None, ENCODER, np.random.default_rng(3)) for _ in range(2))
    for name, array in first.to_tensors().items():
        np.testing.assert_array_equal(array, second.to_tensors()[name])


def seconds(function) -> float:
    """Return the shortest of three runs, which other work on the machine disturbs least."""
    times = []
    for _ in range(3):
        start = perf_counter()
        function()
        times.append(perf_counter() - start)
    return min(times)


@pytest.mark.bench
def test_stored_features_are_faster_than_the_exact_estimator(capsys):
    reference, target = normal(1500, 64), normal(64, 64, shift=0.1, seed=9)
    fingerprint = make_fingerprint(reference, None, ENCODER, np.random.default_rng(0))
    stored = seconds(lambda: distance(fingerprint, target))
    exact = seconds(lambda: exact_mmd2(reference, target, fingerprint.bandwidth))
    with capsys.disabled():
        print(f"\n1500 and 64 tiles: exact {1e3 * exact:.0f} ms, fingerprint {1e3 * stored:.0f} ms")
    assert stored < exact


def test_features_of_another_encoder_are_refused(source):
    with pytest.raises(InputError, match="encoder other"):
        distance(source, normal(8), encoder="other")
    with pytest.raises(InputError, match=r"\(8, 5\)"):
        distance(source, normal(8, 5))
    with pytest.raises(InputError, match="at least 2 tiles"):
        distance(source, normal(1))


@pytest.mark.parametrize(
    ("features", "groups", "message"),
    [
        (normal(7), None, "at least 8"),
        (normal(10), [1, 2], "2 groups for 10 tiles"),
        (np.full((10, 3), np.nan, np.float32), None, "NaN"),
        (np.ones((10, 3), np.float32), None, "all the same"),
    ],
)
def test_unusable_features_are_refused(features, groups, message):
    with pytest.raises(InputError, match=message):
        make_fingerprint(features, groups, ENCODER, np.random.default_rng(0))


def test_infinite_target_features_are_refused(source):
    with pytest.raises(InputError, match="NaN or infinite"):
        distance(source, np.full((4, 16), np.inf, np.float32))
