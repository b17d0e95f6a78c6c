from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_graft.core.errors import InputError
from napari_graft.project.documents import RankedEntry
from napari_graft.session.training.trial_plan import LONGEST, SHORTEST, TrialPlan, propose_plan


def entry(source: str, z: float | None = 5.0, combined: float | None = 0.0, **more: object) -> RankedEntry:
    fields = {"source": source, "title": source, "structure": "neurites", "verdict": "near"}
    return RankedEntry.model_validate(fields | {"z": z, "combined": combined} | more)


NEAR = (entry("a", 5.0, 0.1), entry("b", 6.0, 0.2), entry("c", 7.0, 0.3), entry("d", 8.0, 0.9))
OTHER = entry("nuclei", 1.0, 0.0, structure="nuclei", same_structure=False)
entries = st.builds(
    lambda i, z, combined, is_same: entry(f"s{i}", z, combined, same_structure=is_same),
    st.integers(0, 99),
    st.none() | st.floats(-5, 500),
    st.none() | st.floats(0, 1),
    st.booleans(),
)


def test_three_sources_share_a_third_of_the_time() -> None:
    plan = propose_plan(NEAR, 8, 9.0)

    assert plan.shortlist == ("a", "b", "c")
    assert (plan.n_tiles, plan.n_tiles_left) == (3, 5)
    assert (plan.seconds_each, plan.seconds_left) == (pytest.approx(60), pytest.approx(360))
    assert plan.reasons[0].startswith("a, b, c")


@pytest.mark.parametrize(
    ("n_tiles", "expected"), [(1, (1, 0)), (2, (2, 0)), (4, (2, 2)), (6, (2, 4)), (12, (4, 8)), (90, (6, 84))]
)
def test_tiles_are_parted_between_the_trial_and_the_winner(n_tiles: int, expected: tuple[int, int]) -> None:
    plan = propose_plan(NEAR, n_tiles, 10.0)

    assert (plan.n_tiles, plan.n_tiles_left) == expected


@pytest.mark.parametrize(
    ("minutes", "n_sources"), [(0.5, 1), (2.9, 1), (3.0, 2), (4.4, 2), (4.5, 3), (600, 3)]
)
def test_time_allows_as_many_sources_as_can_learn_something(minutes: float, n_sources: int) -> None:
    plan = propose_plan(NEAR, 8, minutes)

    assert len(plan.shortlist) == n_sources
    assert ("too short" in plan.reasons[0]) == (n_sources == 1)


def test_ample_time_goes_to_the_winner() -> None:
    plan = propose_plan(NEAR, 8, 600.0)

    assert plan.seconds_each == LONGEST
    assert plan.seconds_left == 36_000 - 3 * LONGEST


@pytest.mark.parametrize(
    ("second", "is_alone"),
    [
        (entry("b", 15.0, 0.25), True),
        (entry("b", 14.9, 0.25), False),  # not three times as far
        (entry("b", 90.0, 0.24), False),  # the scorers do not agree
        (entry("b", None, 1.0), False),  # never measured
        (entry("b", 90.0, 1.0, structure="axons"), False),  # its combined rank is one among axons
    ],
)
def test_a_source_far_ahead_is_tried_alone(second: RankedEntry, is_alone: bool) -> None:
    plan = propose_plan((entry("a", 5.0, 0.0), second), 8, 10.0)

    assert (plan.shortlist == ("a",)) == is_alone
    assert ("far ahead" in plan.reasons[0]) == is_alone


def test_two_sources_like_their_own_data_are_both_tried() -> None:
    assert len(propose_plan((entry("a", 0.1, 0.0), entry("b", 2.9, 1.0)), 8, 10.0).shortlist) == 2


def test_sources_of_another_family_are_never_tried() -> None:
    plan = propose_plan((NEAR[0], OTHER), 8, 10.0)

    assert plan.shortlist == ("a",)
    assert plan.reasons[1] == "Not tried: 1 source, for something else."
    with pytest.raises(InputError, match="no source for this kind of structure"):
        propose_plan((OTHER,), 8, 10.0)


def test_those_behind_the_shortlist_are_counted() -> None:
    behind = tuple(entry(name, 5.0, 1.0) for name in ("x", "y"))
    plan = propose_plan((*NEAR, *behind, OTHER), 8, 10.0)

    assert plan.shortlist == ("a", "b", "c")
    assert plan.reasons[1:3] == (
        "Not tried: 3 sources, farther back in the ranking.",
        "Not tried: 1 source, for something else.",
    )


def test_finished_networks_are_never_tried() -> None:
    finished = entry("theirs", 0.1, 0.0, is_trainable=False)
    plan = propose_plan((finished, *NEAR), 8, 10.0)

    assert plan.shortlist == ("a", "b", "c")
    assert plan.reasons[2] == "Not tried: 1 source, finished and not to be trained further."
    with pytest.raises(InputError, match="that can be trained"):
        propose_plan((finished,), 8, 10.0)


@pytest.mark.parametrize(("n_tiles", "minutes"), [(0, 5.0), (4, 0.0), (4, -1.0), (4, float("nan"))])
def test_a_plan_needs_something_to_spend(n_tiles: int, minutes: float) -> None:
    with pytest.raises(InputError, match="allows no trial"):
        propose_plan(NEAR, n_tiles, minutes)


@given(
    st.lists(entries, min_size=1, unique_by=lambda one: one.source), st.integers(1, 500), st.floats(0.01, 1e4)
)
def test_a_plan_spends_no_more_than_there_is_and_is_never_empty(
    ranked: list[RankedEntry], n_tiles: int, minutes: float
) -> None:
    related = [one.source for one in ranked if one.same_structure]
    if not related:
        with pytest.raises(InputError):
            propose_plan(ranked, n_tiles, minutes)
        return
    plan: TrialPlan = propose_plan(ranked, n_tiles, minutes)

    assert 1 <= len(plan.shortlist) <= 3
    assert list(plan.shortlist) == related[: len(plan.shortlist)]
    assert plan.n_tiles + plan.n_tiles_left == n_tiles
    assert min(2, n_tiles) <= plan.n_tiles <= n_tiles
    assert plan.n_tiles_left >= 0
    assert plan.seconds + plan.seconds_left == pytest.approx(60 * minutes)
    assert 0 < plan.seconds <= 60 * minutes / 3 + 1e-6
    assert len(plan.shortlist) == 1 or plan.seconds_each >= SHORTEST - 1e-6
