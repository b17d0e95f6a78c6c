"""What every fault in the registry must keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from napari_graft.imaging.faults.fault import MIDDLE, STRONG, WEAK
from napari_graft.imaging.faults.registry import FAULTS
from napari_graft.samples.em import generate_neuropil

every_fault = pytest.mark.parametrize("name", list(FAULTS))
shapes = st.one_of(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
)
images = shapes.flatmap(lambda shape: some.arrays(np.float32, shape, elements=st.floats(0, 1, width=32)))


def em(shape: tuple[int, ...] = (128, 128)) -> np.ndarray:
    made = generate_neuropil(shape, np.random.default_rng(0)).image
    return (made / np.float32(255)).astype(np.float32)


@every_fault
@given(image=images, strength=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_any_image_stays_an_image_and_the_same_draw_gives_the_same(
    name: str, image: np.ndarray, strength: float, seed: int
) -> None:
    before = image.copy()
    spoilt, again = (FAULTS[name](image, strength, np.random.default_rng(seed)) for _ in range(2))
    assert (spoilt.shape, spoilt.dtype) == (image.shape, np.float32)
    assert np.isfinite(spoilt).all()
    assert 0 <= spoilt.min() <= spoilt.max() <= 1
    np.testing.assert_array_equal(spoilt, again)
    np.testing.assert_array_equal(image, before)


@every_fault
def test_no_strength_is_no_fault(name: str) -> None:
    image = em()
    np.testing.assert_array_equal(FAULTS[name](image, 0.0, np.random.default_rng(0)), image)


@every_fault
def test_more_strength_changes_more(name: str) -> None:
    image = em()
    changes = [
        np.mean([np.abs(FAULTS[name](image, s, np.random.default_rng(i)) - image).mean() for i in range(8)])
        for s in (WEAK, MIDDLE, STRONG)
    ]
    assert 0 < changes[0] <= changes[1] <= changes[2]


@every_fault
@pytest.mark.parametrize("strength", [WEAK, STRONG])
def test_what_was_seen_is_still_seen(name: str, strength: float) -> None:
    """The rank of greys of neighbours holds mostly: a network, and an expert, can still go by it."""
    image = em()
    spoilt = FAULTS[name](image, strength, np.random.default_rng(1))
    if name == "polarity":
        spoilt = 1 - spoilt
    inner = (slice(16, -16),) * 2
    assert np.corrcoef(image[inner].ravel(), spoilt[inner].ravel())[0, 1] > 0.5


@every_fault
def test_all_planes_of_a_stack_are_spoilt(name: str) -> None:
    stack = em((3, 64, 64))
    spoilt = FAULTS[name](stack, STRONG, np.random.default_rng(0))
    assert all(np.any(a != b) for a, b in zip(stack, spoilt, strict=True))
