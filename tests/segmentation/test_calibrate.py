"""Settings chosen on annotated tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from tests.segmentation.affinity_maps import OFFSETS, cells, probabilities

from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken
from napari_graft.metrics import evaluate
from napari_graft.segmentation.calibrate import calibrate
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings


@dataclass(frozen=True)
class Affinities:
    foreground: np.ndarray
    affinities: np.ndarray


def shy_prediction(seed: int) -> tuple[np.ndarray, Affinities]:
    """Return truth and affinities of a network that is sure of no foreground."""
    rng = np.random.default_rng(seed)
    truth = cells((96, 96), 12, rng)
    foreground, affinities = probabilities(truth, OFFSETS, rng)
    return truth, Affinities(foreground * np.float32(0.6), affinities)


def test_a_network_that_is_unsure_of_the_foreground_gets_lower_thresholds() -> None:
    pairs = [shy_prediction(seed) for seed in range(2)]
    settings = calibrate([p for _, p in pairs], [t + 1 for t, _ in pairs], OFFSETS, "neurites")
    assert settings.core_threshold < DecodeSettings().core_threshold
    truth, prediction = shy_prediction(7)
    decoded = [
        decode(prediction.foreground, prediction.affinities, OFFSETS, s) for s in (settings, DecodeSettings())
    ]
    assert evaluate(decoded[0], truth).vi < evaluate(decoded[1], truth).vi - 0.5


def test_the_smallest_size_of_cells_is_raised_where_small_objects_are_false() -> None:
    foreground = np.zeros((64, 64), np.float32)
    truth = np.zeros((64, 64), int)
    truth[8:40, 8:40] = 1
    foreground[truth > 0] = 1
    for y in range(2, 62, 10):
        foreground[y : y + 6, 50:56] = 1
    affinities = np.ones((len(OFFSETS), 64, 64), np.float32)
    settings = calibrate([Affinities(foreground, affinities)], [truth + 1], OFFSETS, "cells")
    assert settings.min_size > 36
    assert decode(foreground, affinities, OFFSETS, settings).max() == 1


def test_calibration_is_the_same_twice_and_does_not_look_at_unlabelled_pixels() -> None:
    truth, prediction = shy_prediction(1)
    annotation = truth + 1
    annotation[:, 48:] = 0
    other = Affinities(prediction.foreground.copy(), prediction.affinities)
    other.foreground[:, 80:] = 0
    first, second, third = (
        calibrate([p], [annotation], OFFSETS, "nuclei") for p in (prediction, prediction, other)
    )
    assert first == second == third


def test_tiles_without_an_object_leave_the_default() -> None:
    _, prediction = shy_prediction(0)
    default = DecodeSettings(0.4, 0.1, 30)
    for annotation in (np.ones((96, 96), int), np.zeros((96, 96), int)):
        assert calibrate([prediction], [annotation], OFFSETS, "neurites", default) == default
    assert calibrate([], [], OFFSETS, "neurites") == DecodeSettings()


def broad_membranes() -> tuple[np.ndarray, Affinities]:
    """Return truth and affinities of a network that draws membranes two pixels too broad."""
    rng = np.random.default_rng(0)
    truth = cells((96, 96), 12, rng, membrane=3)
    foreground, affinities = probabilities(truth, OFFSETS, rng)
    is_inside = distance_transform_edt(truth > 0) > 2
    return truth, Affinities(np.where(is_inside, foreground, np.float32(0.06)), affinities)


def test_neurites_may_reach_into_the_membranes_and_axons_may_not() -> None:
    truth, prediction = broad_membranes()
    chosen = {
        structure: calibrate([prediction], [truth + 1], OFFSETS, structure).foreground_threshold
        for structure in ("neurites", "axons")
    }
    assert chosen["neurites"] < 0.06 < chosen["axons"]


def test_calibration_stops_when_asked_to() -> None:
    truth, prediction = shy_prediction(0)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        calibrate([prediction], [truth + 1], OFFSETS, "cells", cancel=token)


@pytest.mark.parametrize("shape", [(24, 24), (6, 24, 24)])
def test_only_in_2d_is_more_joined_than_the_affinities_say(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[float] = []

    def record(*arrays: object) -> np.ndarray:
        settings = arrays[3]
        assert isinstance(settings, DecodeSettings)
        tried.append(settings.attraction_bias)
        return np.ones(shape, np.uint32)

    monkeypatch.setattr("napari_graft.segmentation.calibrate.decode", record)
    offsets = [tuple(-int(i == axis) for i in range(len(shape))) for axis in range(len(shape))]
    said = Affinities(np.ones(shape, np.float32), np.ones((len(offsets), *shape), np.float32))

    calibrate([said], [np.full(shape, 2)], offsets, "neurites")

    assert min(tried) < 0
    assert (max(tried) > 0) == (len(shape) == 2)
