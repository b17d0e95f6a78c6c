"""The result in plain sentences, whichever way it went."""

from __future__ import annotations

import math

from napari_graft.report.measures import VI, Measure, Verdict, leading_measures, vi_improvement
from napari_graft.report.record import LoopRecord, Row
from napari_graft.report.values import n_of, number, percent, text


def headline(record: LoopRecord) -> str:
    """Return one sentence: adapted against from scratch, at the same number of tiles."""
    measure, _ = leading_measures(record.structure)
    new, old = number(record.compared_round, measure.key), number(record.scratch, measure.key)
    verdict = measure.judge(new, old)
    same_steps, different_steps = _steps(record)
    tiles = n_of(number(record.scratch, "n_tiles"), "annotated tile")
    start = f"With {tiles}, starting from “{record.source_title}”"
    rival = f"training from scratch{same_steps}"
    if verdict is Verdict.UNKNOWN:
        return f"{start} and {rival} cannot be compared: {measure.name} is not defined for both."
    unit = f" {measure.unit}" if measure.unit else ""
    values = f"({measure.name} {text(new)} instead of {text(old)}{unit}{different_steps})"
    if verdict is Verdict.EQUAL:
        return f"{start} does about as well as {rival} {values}."
    end = ": here the source did not help" if verdict is Verdict.WORSE else ""
    return f"{start} {_difference(record, measure, verdict)} than {rival} {values}{end}."


def further_findings(record: LoopRecord) -> tuple[str, ...]:
    """Return what else an honest reader would want to know beside the headline, a sentence each."""
    first, second = leading_measures(record.structure)
    found = [_last_round(record, first), _other_measure(record, first, second), _zero_shot(record, first)]
    return tuple(sentence for sentence in found if sentence)


def _steps(record: LoopRecord) -> tuple[str, str]:
    """Return the words for equal numbers of training steps, and those for different ones; one is empty."""
    adapted, scratch = number(record.compared_round, "steps"), number(record.scratch, "steps")
    if adapted == scratch:
        return " with the same steps", ""
    if math.isnan(adapted) or math.isnan(scratch):
        return "", ""
    return "", f", after {adapted:.0f} instead of {scratch:.0f} training steps"


def _difference(record: LoopRecord, measure: Measure, verdict: Verdict) -> str:
    if measure is not VI:
        return f"finds the {record.structure_words} {verdict.value}"
    change = vi_improvement(record)
    if math.isnan(change):
        return "gives more errors"
    return f"gives {percent(abs(change))} {'fewer' if change > 0 else 'more'} errors"


def _last_round(record: LoopRecord, measure: Measure) -> str:
    last = record.rounds[-1]
    value = number(last, measure.key)
    if last["n_tiles"] == record.compared_round["n_tiles"] or math.isnan(value):
        return ""
    return f"With {n_of(number(last, 'n_tiles'), 'tile')} it reaches {measure.write(value)}."


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


def _zero_shot(record: LoopRecord, measure: Measure) -> str:
    value = number(record.zero_shot, measure.key)
    verdict = _judge(record.compared_round, record.zero_shot, measure)
    if verdict is Verdict.UNKNOWN:
        return ""
    reached = f"The source as it is, without any annotation, reaches {measure.write(value)}"
    if verdict is Verdict.BETTER:
        return f"{reached}."
    if verdict is Verdict.EQUAL:
        return f"{reached}: on this image the annotation changed little."
    return f"{reached}: better than after training. Use it as it is, or annotate more."


def _judge(new: Row, old: Row, measure: Measure) -> Verdict:
    return measure.judge(number(new, measure.key), number(old, measure.key))
