"""The result in words is what the numbers say, also where they say that nothing was gained."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import pytest

from napari_graft.report import LoopRecord
from napari_graft.report.record import AP50, VI, Verdict, leading_measures, vi_improvement
from napari_graft.report.sentences import further_findings, headline, methods_paragraph


def with_scores(
    record: LoopRecord,
    adapted: dict[str, object],
    scratch: dict[str, object],
    untouched: dict[str, object] | None = None,
) -> LoopRecord:
    first = {**record.rounds[0], **adapted}
    return replace(
        record,
        rounds=(first, *record.rounds[1:]),
        scratch={**record.scratch, **scratch},
        zero_shot={**record.zero_shot, **(untouched or {})},
    )


def test_the_headline_leads_from_the_source_to_what_became_of_it(record: LoopRecord) -> None:
    assert headline(with_scores(record, {"vi": 0.41}, {}, {"vi": 0.66})) == (
        "With 4 annotated tiles and 400 training steps, “Fly neurites · FIB-SEM” gives 38\u202f% fewer "
        "errors than untouched (VI 0.66 untouched, 0.41 bits after training)."
    )


def test_more_errors_are_told_as_plainly(record: LoopRecord) -> None:
    told = headline(with_scores(record, {"vi": 0.66}, {}, {"vi": 0.41}))
    assert "61\u202f% more errors than untouched" in told
    assert told.endswith("use it untouched, or annotate more.")


def test_a_difference_of_a_few_percent_is_no_difference(record: LoopRecord) -> None:
    told = headline(with_scores(record, {"vi": 0.49}, {"vi": 0.5}, {"vi": 0.5}))
    assert "is about as good as untouched" in told


def test_objects_that_lie_apart_are_told_by_ap50(record: LoopRecord) -> None:
    cells = replace(record, structure="cells", structure_words="cells")
    told = headline(with_scores(cells, {"ap50": 0.81, "vi": 9.0}, {}, {"ap50": 0.62, "vi": 1.0}))
    assert "finds the cells better than untouched" in told
    assert "(AP50 0.62 untouched, 0.81 after training)" in told


def test_training_from_scratch_comes_second(record: LoopRecord) -> None:
    told = further_findings(with_scores(record, {"vi": 0.41}, {"vi": 0.66}))[0]
    assert told == (
        "Training from scratch on the same tiles, with the same 400 steps, reaches VI 0.66 bits: with the "
        "source the model gives 38\u202f% fewer errors."
    )
    worse = further_findings(with_scores(record, {"vi": 0.66}, {"vi": 0.41}))[0]
    assert worse.endswith("better, so here the source did not help.")
    same = further_findings(with_scores(record, {"vi": 0.49}, {"vi": 0.5}))[0]
    assert same.endswith("about as good, so here the source hardly helped.")


@pytest.mark.parametrize(
    ("vi", "end"),
    [
        (0.9, "the source is still ahead."),
        (0.3, "without the source it ends better."),
        (0.41, "both end alike."),
    ],
)
def test_scratch_that_is_trained_for_longer_is_told_of(record: LoopRecord, vi: float, end: str) -> None:
    last = {**record.rounds[-1], "n_tiles": 8, "vi": 0.41}
    longer = {"n_tiles": 8, "steps": 3200, "vi": vi, "ap50": 0.5}
    shown = replace(record, rounds=(record.rounds[0], last), scratch_longer=longer)
    assert further_findings(shown)[1] == (
        f"Trained for 3200 steps on the same 8 tiles, from scratch it reaches VI {vi:.2f} bits where the "
        f"adapted model has VI 0.41 bits: {end}"
    )
    assert not any("for 3200" in told for told in further_findings(record))


@pytest.mark.parametrize(("steps", "is_warned"), [(10, True), (299, True), (300, False), (None, False)])
def test_few_steps_are_warned_of(record: LoopRecord, steps: int | None, is_warned: bool) -> None:
    found = further_findings(with_scores(record, {}, {"steps": steps}))
    assert any(f"{steps} steps are few" in sentence for sentence in found) == is_warned


@pytest.mark.parametrize(
    ("last", "words"),
    [(0.2, "bits."), (0.4, "no better than with 4 tiles."), (0.6, "worse than with 4 tiles.")],
)
def test_it_is_told_when_more_tiles_brought_nothing(record: LoopRecord, last: float, words: str) -> None:
    told = with_scores(record, {"vi": 0.41}, {})
    told = replace(told, rounds=(told.rounds[0], {**told.rounds[1], "vi": last}))
    (sentence,) = [one for one in further_findings(told) if one.startswith("With 8 tiles")]
    assert sentence.endswith(words)


def test_a_second_measure_that_disagrees_is_not_hidden(record: LoopRecord) -> None:
    scores = with_scores(record, {"vi": 0.3, "ap50": 0.5}, {"vi": 0.6, "ap50": 0.8})
    assert any(sentence.startswith("AP50 says the opposite: 0.50") for sentence in further_findings(scores))


def test_an_undefined_score_makes_no_claim(record: LoopRecord) -> None:
    for nothing in (nan, None):
        undefined = with_scores(record, {"vi": nothing}, {"vi": 0.4})
        assert "cannot be compared" in headline(undefined)
        assert "cannot be compared" in further_findings(undefined)[0]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (400, "with the same 400 steps,"),
        (300, "with 300 steps instead of 400,"),
        (None, "on the same tiles reaches"),
    ],
)
def test_the_same_steps_are_claimed_only_where_they_were(
    record: LoopRecord, steps: int | None, words: str
) -> None:
    assert words in further_findings(with_scores(record, {"vi": 0.41}, {"vi": 0.66, "steps": steps}))[0]


def test_the_round_of_equal_tiles_is_compared(record: LoopRecord) -> None:
    later = replace(
        record, scratch={**record.scratch, "n_tiles": 8, "vi": 2 * float(str(record.rounds[1]["vi"]))}
    )
    assert headline(later).startswith("With 8 annotated tiles")
    assert vi_improvement(later) == pytest.approx(0.5)


def test_improvement_is_undefined_against_a_perfect_rival(record: LoopRecord) -> None:
    assert vi_improvement(with_scores(record, {"vi": 0.1}, {"vi": 0.0})) != vi_improvement(record)
    perfect = with_scores(record, {"vi": 0.1}, {"vi": 0.0}, {"vi": 0.0})
    assert "gives more errors than" in headline(perfect)


@pytest.mark.parametrize("structure", ["nuclei", "cells", "mitochondria", "organelles", "axons"])
def test_ap50_leads_for_objects_that_lie_apart(structure: str) -> None:
    assert leading_measures(structure) == (AP50, VI)


def test_vi_leads_for_objects_that_fill_the_image() -> None:
    assert leading_measures("neurites") == (VI, AP50)


def test_the_direction_of_a_measure_decides_what_is_better() -> None:
    assert VI.judge(0.2, 0.4) is Verdict.BETTER
    assert AP50.judge(0.2, 0.4) is Verdict.WORSE
    assert AP50.judge(0.4, 0.41) is Verdict.EQUAL
    assert AP50.judge(nan, 0.4) is Verdict.UNKNOWN


def test_methods_quote_the_numbers_and_the_papers(record: LoopRecord) -> None:
    told = methods_paragraph(with_scores(record, {"vi": 0.41, "ap50": 0.77}, {"vi": 0.66, "ap50": 0.6}))
    for words in ("0.41 and 0.77 after adaptation with 4 tiles", "0.66 and 0.60 from scratch with 4 tiles"):
        assert words in told
    for words in ("8 tiles of 64 × 64 pixels", "z = 2.9, p = 0.02", "400 steps", "seed 0", "50 × 4 × 4 nm"):
        assert words in told
    for words in ("Sawmya et al. 2025", "Wolf et al. 2020"):
        assert words in told
    assert "Xie et al. 2023" in methods_paragraph(replace(record, strategy="freesel"))


def test_methods_of_a_single_round_mention_no_later_ones(record: LoopRecord) -> None:
    assert "in later rounds" not in methods_paragraph(replace(record, rounds=record.rounds[:1]))


def test_methods_name_a_strategy_of_a_third_party(record: LoopRecord) -> None:
    assert "the strategy “mine”" in methods_paragraph(replace(record, strategy="mine"))
