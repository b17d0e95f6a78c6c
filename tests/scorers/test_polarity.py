"""Who is alone with objects that are bright, where all others find dark ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_graft.scorers.order import Evidence, rank
from napari_graft.scorers.polarity import difference_around, outvoted

CONTRASTS = {"a": -0.9, "b": -0.5, "c": -0.7, "d": 0.7, "e": None}


def test_the_one_that_finds_bright_objects_where_the_others_find_dark_ones_is_outvoted() -> None:
    weights = dict.fromkeys(CONTRASTS, 0.9) | {"d": 1.0}
    assert outvoted(CONTRASTS, weights) == {"d"}
    turned = {one: None if value is None else -value for one, value in CONTRASTS.items()}
    assert outvoted(turned, weights) == {"d"}


def test_nobody_is_outvoted_by_half_of_the_sources_or_by_those_who_guess() -> None:
    halves = {"a": -1.0, "b": -1.0, "c": 1.0, "d": 1.0}
    assert outvoted(halves, dict.fromkeys(halves, 0.9)) == set()
    assert outvoted(CONTRASTS, {"a": 0.3, "b": 0.2, "c": 0.2, "d": 1.0}) == set()
    assert outvoted({}, {}) == set()
    few = {"a": -1.0, "b": -1.0, "c": 1.0}
    assert outvoted(few, dict.fromkeys(few, 0.9)) == set()


def test_a_source_that_is_outvoted_comes_last_and_keeps_its_place_once_tiles_tell_more() -> None:
    evidence = {
        one: Evidence("nuclei", None, {"mmd": -rank, "consistency": 0.95}, contrast=CONTRASTS[one])
        for rank, one in enumerate("dabc")
    }
    assert [score.source_id for score in rank(evidence, "nuclei")] == ["a", "b", "c", "d"]
    on_tiles = {
        one: replace(known, readings={**known.readings, "few-shot": known.readings["mmd"]})
        for one, known in evidence.items()
    }
    assert [score.source_id for score in rank(on_tiles, "nuclei")] == ["d", "a", "b", "c"]


@pytest.mark.parametrize("sign", [-1, 1])
def test_objects_are_compared_with_what_lies_around_them(sign: int) -> None:
    y, x = np.mgrid[:60, :60].astype(np.float32)
    is_object = (y - 30) ** 2 + (x - 30) ** 2 < 100
    image = (sign * 0.5 * is_object + x / 60).astype(np.float32)
    assert difference_around(image, is_object) == pytest.approx(sign * 0.5, abs=0.01)
    assert difference_around(image, np.zeros_like(is_object)) is None
    assert difference_around(image, np.ones_like(is_object)) is None
