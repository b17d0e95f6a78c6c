from __future__ import annotations

import pytest

from napari_graft.project.comparison import HeldOut, compare, is_no_worse, recorded


@pytest.mark.parametrize(
    ("new", "rival", "found"),
    [
        (HeldOut(-0.1, 0.5), HeldOut(-0.2, 0.1), "better"),  # the objects decide, whatever the loss says
        (HeldOut(-0.155, 0.25), HeldOut(-0.074, 0.32), "worse"),
        (HeldOut(0.6, 0.3), HeldOut(0.6005, 0.2), "worse"),  # a tie: the loss decides
        (HeldOut(0.6, 0.2), HeldOut(0.6, 0.2004), "equal"),
        (HeldOut(0.6, None), HeldOut(0.6, None), "equal"),
        (HeldOut(None, 0.2), HeldOut(0.6, 0.3), "better"),  # one was not scored: the loss decides
        (HeldOut(None, None), HeldOut(0.6, 0.3), None),
    ],
)
def test_the_objects_decide_then_the_loss(new: HeldOut, rival: HeldOut, found: str | None) -> None:
    assert compare(new, rival) == found
    assert is_no_worse(new, rival) == (found in ("better", "equal"))


def test_where_nothing_is_known_of_the_rival_anything_may_take_its_place() -> None:
    assert is_no_worse(HeldOut(None, None), None)
    assert is_no_worse(HeldOut(None, None), HeldOut(None, None))


def test_a_record_tells_the_score_of_its_structure() -> None:
    validation = {
        "loss": 0.3,
        "vi": 0.5,
        "ap": 0.7,
        "loss_previous": 0.2,
        "vi_previous": 0.4,
        "ap_previous": 0.6,
    }

    assert recorded(validation, "neurites") == HeldOut(-0.5, 0.3)
    assert recorded(validation, "nuclei") == HeldOut(0.7, 0.3)
    assert recorded(validation, None, "_previous") == HeldOut(0.6, 0.2)
    assert recorded(validation, "nuclei", "_source") == HeldOut(None, None)


def test_a_record_of_before_the_objects_decided_counts_by_its_loss() -> None:
    assert recorded({"loss": 0.3, "vi": 0.5, "ap50": 0.7}, "neurites") == HeldOut(None, 0.3)
