from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_graft.metrics import evaluate
from napari_graft.studies.first_look.image import otsu_watershed


def discs(*centres: tuple[int, int], radius: int = 12, side: int = 128) -> NDArray[np.uint32]:
    y, x = np.mgrid[:side, :side]
    distances = np.stack([np.hypot(y - cy, x - cx) for cy, cx in centres])
    nearest = distances.argmin(0).astype(np.uint32) + 1
    return np.where(distances.min(0) <= radius, nearest, 0).astype(np.uint32)


TRUTH = discs((30, 30), (30, 51), (90, 40), (90, 100))
NOISE = np.random.default_rng(0).normal(0, 3, TRUTH.shape)


@pytest.mark.parametrize(("ground", "object_"), [(20, 200), (200, 20)])
def test_objects_are_found_bright_or_dark_and_parted_where_they_touch(ground: int, object_: int) -> None:
    image = (np.where(TRUTH > 0, object_, ground) + NOISE).astype(np.float32)

    found = otsu_watershed(image)

    assert evaluate(found, TRUTH).ap50 == 1
    assert sorted(np.unique(found)) == [0, 1, 2, 3, 4]


def test_holes_are_filled_and_debris_is_left_out() -> None:
    image = np.where(TRUTH > 0, 200.0, 20.0).astype(np.float32)
    image[88:93, 38:43] = 20
    image[60:66, 60:66] = 200
    found = otsu_watershed(image)
    assert found[90, 40] > 0
    assert found[63, 63] == 0
    assert len(np.unique(found)) - 1 == 4


def test_nothing_is_found_where_all_is_too_small() -> None:
    image = np.zeros((4, 4), np.float32)
    image[1, 1] = 1
    assert not otsu_watershed(image).any()
