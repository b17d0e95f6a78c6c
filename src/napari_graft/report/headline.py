"""The result in plain sentences, whichever way it went."""

from __future__ import annotations

import math

from napari_graft.report.measures import VI, Measure, Verdict, leading_measures
from napari_graft.report.record import LoopRecord, Row
from napari_graft.report.values import n_of, number, percent, text

FEW_STEPS = 300
"""Below this, a network that starts from nothing is still far from what it can learn."""


def headline(record: LoopRecord) -> str:
    """Return one sentence: the source as it was, and what training on the compared tiles made of it."""
    measure, _ = leading_measures(record.structure)
    row = record.compared_round
    new, old = number(row, measure.key), number(record.zero_shot, measure.key)
    verdict = measure.judge(new, old)
    start = (
        f"With {n_of(number(row, 'n_tiles'), 'annotated tile')}{_after_steps(row)}, “{record.source_title}”"
    )
    if verdict is Verdict.UNKNOWN:
        return f"{start} cannot be compared with itself untouched: {measure.name} is not defined for both."
    values = f"({measure.name} {text(old)} untouched, {measure.write_value(new)} after training)"
    if verdict is Verdict.EQUAL:
        return f"{start} is about as good as untouched {values}."
    end = ": use it untouched, or annotate more" if verdict is Verdict.WORSE else ""
    return f"{start} {_difference(record, measure, verdict, old)} than untouched {values}{end}."


def further_findings(record: LoopRecord) -> tuple[str, ...]:
    """Return what else an honest reader would want to know beside the headline, a sentence each."""
    first, second = leading_measures(record.structure)
    found = [
        _from_scratch(record, first),
        _few_steps(record),
        _last_round(record, first),
        _other_measure(record, first, second),
    ]
    return tuple(sentence for sentence in found if sentence)


def _after_steps(row: Row) -> str:
    steps = number(row, "steps")
    return "" if math.isnan(steps) else f" and {n_of(steps, 'training step')}"


def _difference(record: LoopRecord, measure: Measure, verdict: Verdict, old: float) -> str:
    if measure is not VI:
        return f"finds the {record.structure_words} {verdict.value}"
    if not old > 0:
        return "gives more errors"
    change = (old - number(record.compared_round, measure.key)) / old
    return f"gives {percent(abs(change))} {'fewer' if change > 0 else 'more'} errors"


def _from_scratch(record: LoopRecord, measure: Measure) -> str:
    """Compare with training from scratch on as many tiles."""
    new, old = number(record.compared_round, measure.key), number(record.scratch, measure.key)
    verdict = measure.judge(new, old)
    rival = f"Training from scratch on the same tiles{_scratch_steps(record)}"
    if verdict is Verdict.UNKNOWN:
        return f"{rival} cannot be compared: {measure.name} is not defined for both."
    reached = f"{rival} reaches {measure.write(old)}"
    if verdict is Verdict.EQUAL:
        return f"{reached}: about as good, so here the source hardly helped."
    if verdict is Verdict.WORSE:
        return f"{reached}: better, so here the source did not help."
    gain = _difference(record, measure, verdict, old)
    return f"{reached}: with the source the model {gain}."


def _scratch_steps(record: LoopRecord) -> str:
    adapted, scratch = number(record.compared_round, "steps"), number(record.scratch, "steps")
    if math.isnan(adapted) or math.isnan(scratch):
        return ""
    if adapted == scratch:
        return f", with the same {n_of(scratch, 'step')},"
    return f", with {n_of(scratch, 'step')} instead of {adapted:.0f},"


def _few_steps(record: LoopRecord) -> str:
    steps = number(record.scratch, "steps")
    if not steps < FEW_STEPS:
        return ""
    return (
        f"{n_of(steps, 'step')} are few: trained for longer, the network from scratch would come closer. "
        "Give more time (--time-budget, --steps) before you draw a conclusion from the difference."
    )


def _last_round(record: LoopRecord, measure: Measure) -> str:
    last, compared = record.rounds[-1], record.compared_round
    value = number(last, measure.key)
    if last["n_tiles"] == compared["n_tiles"] or math.isnan(value):
        return ""
    reached = f"With {n_of(number(last, 'n_tiles'), 'tile')} it reaches {measure.write(value)}"
    fewer = n_of(number(compared, "n_tiles"), "tile")
    verdict = _judge(last, compared, measure)
    if verdict is Verdict.EQUAL:
        return f"{reached}: no better than with {fewer}."
    if verdict is Verdict.WORSE:
        return f"{reached}: worse than with {fewer}."
    return f"{reached}."


def _other_measure(record: LoopRecord, first: Measure, second: Measure) -> str:
    """Speak up where the second measure contradicts the first."""
    verdicts = [_judge(record.compared_round, record.scratch, measure) for measure in (first, second)]
    if {Verdict.BETTER, Verdict.WORSE} != set(verdicts):
        return ""
    new, old = number(record.compared_round, second.key), number(record.scratch, second.key)
    return (
        f"{second.name} says the opposite: {second.write_value(new)} adapted, {second.write_value(old)} from "
        "scratch. Look at the pictures before you decide."
    )


def _judge(new: Row, old: Row, measure: Measure) -> Verdict:
    return measure.judge(number(new, measure.key), number(old, measure.key))
