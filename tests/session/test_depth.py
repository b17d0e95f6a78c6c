from __future__ import annotations

import numpy as np
import pytest

from napari_graft.core.axes import Axes
from napari_graft.io.volume import Volume
from napari_graft.session.ranking.rank import lacks_depth
from napari_graft.sources.network_spec import ModelSpec

DEEP = ModelSpec(ndim=3, pixel_size=(10, 10, 10))


def volume(shape: tuple[int, ...], pixel_size: tuple[float, ...] | None = None, unit: str = "nm") -> Volume:
    names = ("z", "y", "x")[-len(shape) :]
    return Volume(np.zeros(shape, np.uint8), Axes(names, pixel_size, unit))


@pytest.mark.parametrize(
    "image",
    [
        volume((16, 64, 64)),
        volume((16, 64, 64), (10, 4, 4)),
        volume((8, 64, 64), (20, 4, 4)),
        volume((8, 64, 64), (0.02, 0.004, 0.004), "um"),
    ],
)
def test_a_volume_of_enough_slices_near_enough_to_each_other_suits(image: Volume) -> None:
    assert lacks_depth(DEEP, image) is None


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (volume((64, 64)), "2-D"),
        (volume((12, 512, 512)), "12 slices only"),
        (volume((24, 64, 64), (5, 5, 5)), "24 slices only"),
        (volume((100, 64, 64), (40, 4, 4)), "too far apart"),
    ],
)
def test_other_images_do_not_and_it_is_said_why(image: Volume, reason: str) -> None:
    assert reason in (lacks_depth(DEEP, image) or "")
    assert lacks_depth(ModelSpec(ndim=2), image) is None


def test_without_a_pixel_size_of_the_source_slices_are_counted_as_they_are() -> None:
    unknown = ModelSpec(ndim=3)
    assert lacks_depth(unknown, volume((16, 64, 64), (40, 4, 4))) is None
    assert lacks_depth(unknown, volume((15, 64, 64), (40, 4, 4))) == "the image has 15 slices only"
