from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import disk, ellipse

from napari_graft.metrics import evaluate
from napari_graft.segmentation.decode import cut_necks, decode, solidity
from napari_graft.segmentation.settings import DecodeSettings

SHAPE = (64, 96)


def ellipses(*places: tuple[float, float, float, float, float]) -> np.ndarray:
    truth = np.zeros(SHAPE, np.uint32)
    for number, (y, x, a, b, angle) in enumerate(places, start=1):
        truth[ellipse(y, x, a, b, SHAPE, rotation=angle)] = number
    return truth


PAIR = ellipses((30, 25, 12, 10, 0.0), (32, 45, 12, 10, 0.3))
THREE = ellipses((20, 30, 11, 11, 0.0), (20, 52, 11, 11, 0.0), (39, 41, 11, 11, 0.0))


@pytest.mark.parametrize("truth", [PAIR, THREE])
def test_round_objects_that_touch_are_cut_at_their_necks(truth: np.ndarray) -> None:
    cut = cut_necks((truth > 0).astype(np.uint32), 0.92, 25)
    assert evaluate(cut, truth).ap50 == 1
    assert np.array_equal(cut > 0, truth > 0)


@given(st.floats(5, 25), st.floats(0.6, 1), st.floats(0, 3.1))
def test_an_ellipse_is_convex_and_stays_whole(radius: float, ratio: float, angle: float) -> None:
    one = np.zeros((64, 64), np.uint32)
    one[ellipse(32, 32, radius, radius * ratio, one.shape, rotation=angle)] = 1
    assert solidity(one > 0) > 0.9  # small disks have corners
    assert np.array_equal(cut_necks(one, 0.95, 25), one)


def test_a_hole_is_no_reason_to_cut() -> None:
    ring = np.zeros((48, 48), np.uint32)
    ring[disk((24, 24), 15)] = 1
    ring[disk((24, 24), 6)] = 0
    assert np.array_equal(cut_necks(ring, 0.95, 25), ring)


def test_no_part_is_smaller_than_what_an_object_needs_to_have() -> None:
    blob = np.zeros(SHAPE, np.uint32)
    blob[disk((30, 30), 12)] = 1
    blob[disk((30, 44), 3)] = 1
    assert cut_necks(blob, 0.999, 100).max() == 1


def test_other_objects_keep_their_numbers_and_pixels() -> None:
    segments = np.zeros((64, 160), np.uint32)
    segments[5:15, 5:15] = 1
    segments[:, 30:126] = 2 * (PAIR > 0)
    segments[40:60, 135:155] = 3
    cut = cut_necks(segments, 0.92, 25)
    assert cut.max() == 4
    for number in (1, 3):
        assert np.array_equal(cut == number, segments == number)


def test_the_decoding_cuts_only_where_it_is_asked_to_and_in_planes() -> None:
    foreground = (PAIR > 0).astype(np.float32)
    offsets = [(-1, 0), (0, -1), (-9, 0), (0, -9)]
    affinities = np.ones((4, *SHAPE), np.float32)
    assert decode(foreground, affinities, offsets, DecodeSettings()).max() == 1
    assert decode(foreground, affinities, offsets, DecodeSettings(least_solidity=0.92)).max() == 2

    solid = np.repeat(foreground[None], 3, axis=0)
    steps = [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (0, -9, 0)]
    found = decode(solid, np.ones((4, *solid.shape), np.float32), steps, DecodeSettings(least_solidity=0.92))
    assert found.max() == 1
