"""The circle that shows how wide objects are: what is taken hold of, and what a drag makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_graft.project.manifest import MAX_DIAMETER
from napari_graft.workbench.data.state import ObjectCircle, first_circle

SHAPE = (5, 100, 200)
CIRCLE = ObjectCircle((50, 60), 40)


@pytest.mark.parametrize(
    ("point", "grip"),
    [((50, 60), "inside"), ((50, 77), "inside"), ((50, 79), "rim"), ((50, 82), "rim"), ((50, 84), None),
     ((64.1, 74.1), "rim")],
)  # fmt: skip
def test_what_is_taken_hold_of(point: tuple[float, float], grip: str | None) -> None:
    assert CIRCLE.grip(point, tolerance=2.5) == grip


def test_small_circle_on_a_coarse_screen_still_has_an_inside() -> None:
    assert ObjectCircle((50, 60), 4).grip((50, 60), tolerance=100) == "inside"


def test_rim_follows_the_mouse_about_the_centre() -> None:
    assert CIRCLE.dragged("rim", (50, 81), (50, 91), SHAPE) == ObjectCircle((50, 60), 60)
    assert CIRCLE.dragged("rim", (50, 80), (35, 60), SHAPE).diameter == pytest.approx(30)


def test_circle_that_is_moved_stays_as_wide_and_its_centre_on_the_image() -> None:
    assert CIRCLE.dragged("inside", (50, 65), (55, 75), SHAPE) == ObjectCircle((55, 70), 40)
    assert CIRCLE.dragged("inside", (50, 65), (-90, 900), SHAPE) == ObjectCircle((0, 199), 40)


@given(
    to=st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5)),
    start=st.tuples(st.floats(0, 99), st.floats(0, 199)),
)
def test_no_drag_of_the_rim_makes_what_is_refused(
    to: tuple[float, float], start: tuple[float, float]
) -> None:
    assert 2 <= CIRCLE.dragged("rim", start, to, SHAPE).diameter <= MAX_DIAMETER


def test_first_circle_is_as_wide_as_is_known_else_a_tenth_of_the_shorter_side() -> None:
    assert first_circle((-3, 20), SHAPE, 33) == ObjectCircle((0, 20), 33)
    assert first_circle((50, 20), SHAPE, None) == ObjectCircle((50, 20), 10)
