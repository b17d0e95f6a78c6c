"""What every strategy in the registry must keep, those of third parties too."""

from __future__ import annotations

from copy import deepcopy
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.acquisition.candidates import Candidate
from napari_graft.acquisition.strategies import STRATEGIES
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile

every_strategy = pytest.mark.parametrize("name", list(STRATEGIES))


def candidate_at(start, seed, shape=(10, 10), **fields):
    rng = np.random.default_rng(seed)
    known = {
        "contrast": float(rng.random()),
        "uncertainty": float(rng.random()),
        "embedding": rng.normal(size=6).astype(np.float32),
        "patterns": rng.normal(size=(int(rng.integers(1, 4)), 5)).astype(np.float32),
        "foreground": float(rng.random()),
    }
    return Candidate(Tile(start, shape), **(known | fields))


def grid(n_rows=4, n_columns=5, step=10):
    return [candidate_at((step * i, step * j), 100 * i + j) for i in range(n_rows) for j in range(n_columns)]


def identical(n):
    return [candidate_at((0, 10 * i), seed=1) for i in range(n)]


def annotated():
    return [candidate_at((5, 5), 1000), candidate_at((300, 300), 1001)]


def select(name, candidates, n, seed=0, **options):
    return STRATEGIES[name].select(candidates, n, np.random.default_rng(seed), **options)


@every_strategy
@pytest.mark.parametrize("known", [[], annotated()], ids=["first round", "later round"])
def test_the_same_seed_gives_the_same_suggestions(name, known):
    assert select(name, grid(), 5, annotated=known) == select(name, grid(), 5, annotated=known)


@every_strategy
@pytest.mark.parametrize("known", [[], annotated()], ids=["first round", "later round"])
def test_arguments_are_left_alone(name, known):
    candidates = grid()
    before = deepcopy([*candidates, *known])
    n_before = len(candidates), len(known)
    select(name, candidates, 5, annotated=known)
    assert (len(candidates), len(known)) == n_before
    for old, new in zip(before, [*candidates, *known], strict=True):
        for field in Candidate.__slots__:
            np.testing.assert_array_equal(getattr(new, field), getattr(old, field))


@every_strategy
@pytest.mark.parametrize("known", [[], annotated()], ids=["first round", "later round"])
@pytest.mark.parametrize("n", [0, 1, 5, 19])
def test_as_many_tiles_are_suggested_as_are_wanted_and_free(name, known, n):
    candidates = grid()
    free = [one for one in candidates if not any(one.tile.overlaps(other.tile) for other in known)]
    suggestions = select(name, candidates, n, annotated=known)
    assert len(suggestions) == min(n, len(free))
    assert {one.tile for one in suggestions} <= {one.tile for one in free}


@every_strategy
def test_more_than_there_are_gives_all_of_them(name):
    assert {one.tile for one in select(name, grid(), 100)} == {one.tile for one in grid()}


@every_strategy
@pytest.mark.parametrize("known", [[], annotated()], ids=["first round", "later round"])
def test_no_candidates_give_no_suggestions(name, known):
    assert select(name, [], 3, annotated=known) == []


@every_strategy
def test_one_candidate_is_suggested(name):
    (only,) = select(name, [candidate_at((0, 0), 1)], 3)
    assert only.tile == Tile((0, 0), (10, 10))


@every_strategy
def test_nothing_is_suggested_where_all_is_annotated(name):
    assert select(name, grid(), 4, annotated=[candidate_at((0, 0), 5, shape=(100, 100))]) == []


@every_strategy
@pytest.mark.parametrize("known", [[], annotated()], ids=["first round", "later round"])
def test_identical_candidates_are_chosen_between_at_random(name, known):
    found = {select(name, identical(30)[2:], 1, seed=seed, annotated=known)[0].tile for seed in range(12)}
    assert len(found) > 3
    assert len(select(name, identical(30), 6, annotated=known)) == 6


@every_strategy
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_no_suggestion_overlaps_another_or_an_annotated_tile(name, data):
    boxes = st.tuples(st.tuples(*[st.integers(0, 40)] * 2), st.tuples(*[st.integers(1, 15)] * 2))
    drawn, painted = (data.draw(st.lists(boxes, max_size=most)) for most in (25, 3))
    candidates, known = (
        [candidate_at(start, seed, shape) for seed, (start, shape) in enumerate(some)]
        for some in (drawn, painted)
    )
    suggestions = select(name, candidates, 6, annotated=known)
    for first, second in combinations([one.tile for one in suggestions], 2):
        assert not first.overlaps(second)
    for one in suggestions:
        assert not any(one.tile.overlaps(other.tile) for other in known)
    if len(suggestions) < 6 and name != "uncertainty-diversity":
        taken = [one.tile for one in suggestions] + [other.tile for other in known]
        assert all(any(one.tile.overlaps(other) for other in taken) for one in candidates)


@every_strategy
def test_tiles_of_neighbouring_slices_do_not_count_as_overlapping(name):
    stack = [candidate_at((z, 0, 0), z, shape=(1, 10, 10)) for z in range(6)]
    known = [candidate_at((2, 3, 3), 50, shape=(1, 10, 10))]
    found = {one.tile.start[0] for one in select(name, stack, 9, annotated=known)}
    assert found == {0, 1, 3, 4, 5}


@every_strategy
@pytest.mark.parametrize("known", [[], annotated()], ids=["first round", "later round"])
def test_every_suggestion_has_a_finite_score_and_a_reason_in_words(name, known):
    for one in select(name, grid(), 6, annotated=known):
        assert np.isfinite(one.score)
        assert len(one.reason.split()) >= 3


@every_strategy
def test_a_negative_number_is_refused(name):
    with pytest.raises(InputError, match="cannot suggest -1 tiles"):
        select(name, grid(), -1)


NEEDED = {
    "random": set(),
    "foreground-random": set(),
    "foreground-diversity": {"embedding"},
    "entropy": {"uncertainty"},
    "median-uncertainty": {"uncertainty"},
    "freesel": {"patterns"},
    "freesel-farthest": {"patterns"},
    "k-center": {"embedding"},
    "uncertainty-diversity": {"uncertainty", "embedding"},
    "auto": {"embedding"},
}


@every_strategy
@pytest.mark.parametrize("field", ["uncertainty", "embedding", "patterns", "foreground"])
def test_what_is_missing_is_named_if_it_is_needed(name, field):
    candidates = [candidate_at((0, 10 * i), i, **{field: None}) for i in range(4)]
    if field in NEEDED.get(name, {field}):
        with pytest.raises(InputError, match=rf"4 of 4 tiles have no {field}, the first at \(0, 0\)"):
            select(name, candidates, 2)
    else:
        assert len(select(name, candidates, 2)) == 2


@every_strategy
@pytest.mark.parametrize("field", ["uncertainty", "embedding", "patterns"])
def test_numbers_that_are_not_finite_are_refused_if_they_are_needed(name, field):
    bad = np.float32(np.nan) if field == "uncertainty" else np.full((1, 5), np.inf, np.float32)
    candidates = [*grid(1, 3), candidate_at((50, 50), 9, **{field: bad})]
    if field in NEEDED.get(name, set()):
        with pytest.raises(InputError, match=rf"{field} of the tile at \(50, 50\) is not finite"):
            select(name, candidates, 2)
    else:
        assert len(select(name, candidates, 2)) == 2
