from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_graft.workbench.sources.state import NULL_BAND, distance_axis

distances = st.lists(st.floats(-1e4, 1e5), max_size=12)


@given(distances, st.floats(-1e4, 1e5), st.floats(-1e4, 1e5))
def test_larger_distances_lie_further_right(values: list[float], one: float, other: float) -> None:
    axis = distance_axis(values)

    assert (axis.position(one) <= axis.position(other)) == (one <= other) or one == pytest.approx(other)
    assert axis.position(-one) == pytest.approx(-axis.position(one))


@given(distances)
def test_axis_shows_all_values_and_marks_chance(values: list[float]) -> None:
    axis = distance_axis(values)

    assert all(axis.low <= value <= axis.high for value in [*values, -NULL_BAND, NULL_BAND])
    assert {-NULL_BAND, NULL_BAND} <= set(axis.ticks)
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)
    assert 3 <= len(axis.ticks) <= 14


def test_scale_is_linear_up_to_chance_and_logarithmic_beyond_where_values_span_decades() -> None:
    axis = distance_axis([7.6, 100.0])

    assert axis.is_logarithmic
    assert axis.position(1) == pytest.approx(axis.position(2) / 2)
    assert axis.position(200) - axis.position(20) == pytest.approx(1)
    assert not distance_axis([7.6, 12.0]).is_logarithmic


def test_what_is_not_finite_is_left_out() -> None:
    assert distance_axis([float("nan"), float("inf"), 3.0]) == distance_axis([3.0])
