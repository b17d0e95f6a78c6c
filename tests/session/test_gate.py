"""The choice on the way from the source to the trained weights, with made-up judgements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.session.training.validation import (
    Judgement,
    WeightsCandidate,
    choose,
    describe_choice,
    standard_error,
)
from napari_graft.training.weight_averaging import SHARES


def candidates(
    qualities: Sequence[float | None],
    losses: Sequence[float | None] = (0.5, 0.4, 0.3, 0.2, 0.1),
    spread: Sequence[float] = (),
) -> list[WeightsCandidate]:
    """Return candidates; `spread` is how much the quality differs without each of the tiles, at the end of
    the way once, halfway half as much."""
    made = []
    for share, quality, loss in zip(SHARES, qualities, losses, strict=True):
        without = () if quality is None else tuple(quality + share * one for one in spread)
        made.append(WeightsCandidate(share, DecodeSettings(), Judgement(loss, {}, quality, without)))
    return made


@pytest.mark.parametrize(
    ("qualities", "share"),
    [
        ((-0.074, -0.078, -0.071, -0.089, -0.155), 0.5),  # fully trained VI has doubled, as the loss fell
        ((0.2, 0.3, 0.4, 0.5, 0.6), 1.0),
        ((0.6, 0.5, 0.4, 0.3, 0.2), 0.0),
    ],
)
def test_on_one_or_two_tiles_the_best_objects_win_whatever_the_loss_says(
    qualities: Sequence[float], share: float
) -> None:
    assert choose(candidates(qualities)).share == share
    assert choose(candidates(qualities, spread=(0.0,))).share == share
    # The spread of two tiles is mostly chance.
    assert choose(candidates(qualities, spread=(0.3, -0.3))).share == share


def test_what_is_within_one_standard_error_of_the_best_and_nearer_to_the_source_wins() -> None:
    # Of the jackknife: sqrt(3/4 · 4 · 0.04²) = 0.0693 for the whole way, 0.0346 for half of it.
    spread = (0.04, -0.04, 0.04, -0.04)
    found = candidates((0.5, 0.545, 0.57, 0.58, 0.6), spread=spread)

    assert standard_error(found[0].judgement, found[-1].judgement) == pytest.approx(0.0693, abs=1e-4)
    assert standard_error(found[2].judgement, found[-1].judgement) == pytest.approx(0.0346, abs=1e-4)
    assert choose(found).share == 0.5
    # With tiles that agree, the difference is believed.
    assert choose(candidates((0.5, 0.545, 0.57, 0.58, 0.6), spread=(0.01,) * 4)).share == 1


def test_nothing_worse_than_the_source_is_chosen_however_little_the_tiles_tell() -> None:
    found = candidates((0.59, 0.55, 0.5, 0.58, 0.6))
    unsure = replace(found[1].judgement, without_tile=(0.0, 1.0, 0.5))
    sure = [replace(one, judgement=replace(one.judgement, without_tile=(0.6,) * 3)) for one in found]
    sure[1] = replace(found[1], judgement=unsure)

    assert choose(sure).share == 1


def test_the_standard_error_is_that_of_the_mean_where_the_quality_is_a_mean() -> None:
    ours, theirs = np.random.default_rng(0).random((2, 7))
    judged = [
        Judgement(None, {}, float(tiles.mean()), tuple(np.delete(tiles, i).mean() for i in range(7)))
        for tiles in (ours, theirs)
    ]

    expected = np.std(ours - theirs, ddof=1) / np.sqrt(7)
    assert standard_error(*judged) == pytest.approx(expected)


def test_tiles_without_which_no_object_is_left_tell_nothing_of_the_error() -> None:
    one, other = (Judgement(0.1, {}, q, (None, q, q + 0.1)) for q in (0.5, 0.7))
    alone = Judgement(0.1, {}, 0.5, (None, 0.9))

    assert standard_error(one, other) == 0
    assert standard_error(alone, Judgement(0.1, {}, 0.7, (None, 0.2))) == 0


def test_among_equal_objects_and_without_any_the_loss_decides() -> None:
    assert choose(candidates((1.0,) * 5)).share == 1
    assert choose(candidates((1.0,) * 5, (0.5, 0.4, 0.3, 0.3004, 0.4))).share == 0.5
    assert choose(candidates((0.9, 1.0, 0.9, 1.0, 0.8))).share == 0.75
    assert choose(candidates((None,) * 5, (0.5, 0.4, 0.2, 0.3, 0.4))).share == 0.5


def test_where_nothing_is_held_out_the_whole_training_is_kept() -> None:
    assert choose(candidates((None,) * 5, (None,) * 5)).share == 1


def test_the_start_as_it_came_wins_where_its_own_decoding_is_better() -> None:
    found = candidates((0.6, 0.3, 0.2, 0.2, 0.1))
    as_it_came = replace(found[0], is_tuned=False)
    tuned = [replace(found[0], judgement=replace(found[0].judgement, quality=q)) for q in (0.5, 0.6, 0.7)]

    assert [choose([as_it_came, one, *found[1:]]).is_tuned for one in tuned] == [False, True, True]
    assert describe_choice(as_it_came, found[-1], "the source", "nuclei").startswith(
        "kept the source as it was: fully trained it did worse"
    )


def test_a_tuned_decoding_that_is_better_is_kept_also_where_the_tiles_leave_that_unsure() -> None:
    spread = (0.2, -0.2, 0.2, -0.2)
    found = candidates((0.7, 0.6, 0.6, 0.6, 0.6))
    own = Judgement(0.5, {}, 0.6, tuple(0.6 + one for one in spread))
    judged = [replace(one, judgement=replace(one.judgement, without_tile=(0.7,) * 4)) for one in found]
    as_it_came = replace(found[0], is_tuned=False, judgement=own)

    assert standard_error(own, judged[0].judgement) > 0.1
    chosen = choose([as_it_came, *judged])
    assert (chosen.share, chosen.is_tuned) == (0, True)


def test_the_words_say_what_was_kept_and_why() -> None:
    found = candidates((-0.074, -0.078, -0.071, -0.089, -0.155))
    tie = candidates((0.6, 0.6, 0.6, 0.6, 0.61))

    assert describe_choice(found[2], found[-1], "the source", "neurites") == (
        "kept half of the way from the source: fully trained it did worse on what was held out "
        "(VI 0.155, and 0.071 so)"
    )
    assert describe_choice(found[-1], found[-1], "the source", "neurites") == ""
    assert describe_choice(tie[0], tie[-1], "run 0001", "nuclei") == (
        "kept run 0001 as it was, with its decoding tuned: that training further makes it better cannot be "
        "told on what was held out"
    )
