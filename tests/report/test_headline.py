"""The result in words is what the numbers say, also where they say that nothing was gained."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import pytest

from napari_graft.report import LoopRecord
from napari_graft.report.headline import further_findings, headline
from napari_graft.report.measures import AP50, VI, Verdict, leading_measures, vi_improvement
from napari_graft.report.methods import methods_paragraph


def with_scores(record: LoopRecord, adapted: dict[str, object], scratch: dict[str, object]) -> LoopRecord:
    first = {**record.rounds[0], **adapted}
    return replace(record, rounds=(first, *record.rounds[1:]), scratch={**record.scratch, **scratch})


def test_fewer_errors_are_told_with_both_values_of_vi(record: LoopRecord) -> None:
    assert headline(with_scores(record, {"vi": 0.41}, {"vi": 0.66})) == (
        "With 4 annotated tiles, starting from “Fly neurites · FIB-SEM” gives 38\u202f% fewer errors than "
        "training from scratch with the same steps (VI 0.41 instead of 0.66 bits)."
    )


def test_more_errors_are_told_as_plainly(record: LoopRecord) -> None:
    told = headline(with_scores(record, {"vi": 0.66}, {"vi": 0.41}))
    assert "61\u202f% more errors" in told
    assert told.endswith("here the source did not help.")


def test_a_difference_of_a_few_percent_is_no_difference(record: LoopRecord) -> None:
    assert "does about as well as" in headline(with_scores(record, {"vi": 0.49}, {"vi": 0.5}))


def test_objects_that_lie_apart_are_told_by_ap50(record: LoopRecord) -> None:
    cells = replace(record, structure="cells", structure_words="cells")
    told = headline(with_scores(cells, {"ap50": 0.81, "vi": 9.0}, {"ap50": 0.62, "vi": 1.0}))
    assert "finds the cells better than training from scratch" in told
    assert "(AP50 0.81 instead of 0.62)" in told


def test_a_second_measure_that_disagrees_is_not_hidden(record: LoopRecord) -> None:
    scores = with_scores(record, {"vi": 0.3, "ap50": 0.5}, {"vi": 0.6, "ap50": 0.8})
    assert any(sentence.startswith("AP50 says the opposite: 0.50") for sentence in further_findings(scores))


def test_a_source_that_was_better_untouched_is_told(record: LoopRecord) -> None:
    worse = replace(with_scores(record, {"vi": 0.5}, {}), zero_shot={"vi": 0.3})
    assert any("better than after training" in sentence for sentence in further_findings(worse))


def test_an_undefined_score_makes_no_claim(record: LoopRecord) -> None:
    assert "cannot be compared" in headline(with_scores(record, {"vi": nan}, {"vi": 0.4}))
    assert "cannot be compared" in headline(with_scores(record, {"vi": None}, {"vi": 0.4}))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (400, "with the same steps (VI"),
        (300, "after 400 instead of 300 training steps"),
        (None, "scratch (VI"),
    ],
)
def test_the_same_steps_are_claimed_only_where_they_were(
    record: LoopRecord, steps: int | None, words: str
) -> None:
    assert words in headline(with_scores(record, {"vi": 0.41}, {"vi": 0.66, "steps": steps}))


def test_the_round_of_equal_tiles_is_compared(record: LoopRecord) -> None:
    later = replace(
        record, scratch={**record.scratch, "n_tiles": 8, "vi": 2 * float(str(record.rounds[1]["vi"]))}
    )
    assert headline(later).startswith("With 8 annotated tiles")
    assert vi_improvement(later) == pytest.approx(0.5)


def test_improvement_is_undefined_against_a_perfect_rival(record: LoopRecord) -> None:
    assert vi_improvement(with_scores(record, {"vi": 0.1}, {"vi": 0.0})) != vi_improvement(record)
    assert "gives more errors than" in headline(with_scores(record, {"vi": 0.1}, {"vi": 0.0}))


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
    for words in ("Sawmya et al. 2025", "Xie et al. 2023", "Wolf et al. 2020"):
        assert words in told


def test_methods_of_a_single_round_mention_no_later_ones(record: LoopRecord) -> None:
    assert "in later rounds" not in methods_paragraph(replace(record, rounds=record.rounds[:1]))


def test_methods_name_a_strategy_of_a_third_party(record: LoopRecord) -> None:
    assert "the strategy “mine”" in methods_paragraph(replace(record, strategy="mine"))
