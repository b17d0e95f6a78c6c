"""The result in plain sentences, and the paragraph for the methods section of a paper."""

from __future__ import annotations

import math

from napari_graft.report.lineage import Lineage
from napari_graft.report.record import (
    VI,
    LoopRecord,
    Measure,
    Row,
    Verdict,
    duration,
    leading_measures,
    n_of,
    number,
    percent,
    significant,
    text,
)

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
        _longer_from_scratch(record, first),
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


def _longer_from_scratch(record: LoopRecord, measure: Measure) -> str:
    """Compare with a training from scratch that had more steps: who learns faster need not end better."""
    longer = record.scratch_longer
    if longer is None or math.isnan(number(longer, measure.key)):
        return ""
    new, old = number(record.rounds[-1], measure.key), number(longer, measure.key)
    what = {
        Verdict.BETTER: "the source is still ahead",
        Verdict.WORSE: "without the source it ends better",
        Verdict.EQUAL: "both end alike",
        Verdict.UNKNOWN: "they cannot be compared",
    }[measure.judge(new, old)]
    return (
        f"Trained for {n_of(number(longer, 'steps'), 'step')} on the same "
        f"{n_of(number(longer, 'n_tiles'), 'tile')}, from scratch it reaches {measure.write(old)} where the "
        f"adapted model has {measure.write(new)}: {what}."
    )


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


_FREESEL = "the FreeSel method (Xie et al. 2023), which covers the patterns of the image without any label"
_DIVERSE = "chance among places with objects that differ from each other"
_STRATEGIES = {
    "auto": f"{_DIVERSE}, and in later rounds by the uncertainty of the current model with diversity",
    "freesel": _FREESEL,
    "random": "chance",
    "foreground-random": "chance among places with objects",
    "foreground-diversity": _DIVERSE,
    "entropy": "the largest uncertainty of the current model",
    "median-uncertainty": "the uncertainty of the current model closest to its median (Sawmya et al. 2025)",
    "uncertainty-diversity": "the uncertainty of the current model with diversity",
    "k-center": "farthest-first choice of features",
}

_FURTHER_PARTS = {
    "mmd2_general": "the same discrepancy in one encoder for all sources",
    "consistency": "the agreement of their segmentations of this image under changes of intensity",
    "few_shot": "the held-out score of their objects on the annotated tiles, the last layer being adapted",
}


def methods_paragraph(record: LoopRecord) -> str:
    """Return sentences that say what was done and what came out, ready to be pasted."""
    sentences = (
        _program(record),
        _ranking(record),
        _tiles(record),
        _training(record),
        _result(record),
        _caution(record),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def methods_of_project(record: LoopRecord, lineage: Lineage) -> str:
    """Return the same for a project, which has no test part: its scores are of what was kept apart."""
    sentences = (
        _program(record),
        _ranking(record),
        *lineage.sentences,
        _tiles(record),
        _training(record),
        _kept_apart(record),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _kept_apart(record: LoopRecord) -> str:
    scores = record.held_out.get("new", {})
    if not scores:
        return ""
    return (
        "On a part of these tiles that was kept apart from the training, the variation of information (VI, "
        "in bits, background of the annotation ignored) was "
        f"{text(number(scores, 'vi'))} and the average precision at an overlap of 0.5 (AP50) "
        f"{text(number(scores, 'ap50'))}; this part also decided which weights were kept, and no other part "
        "of the image was compared with a truth."
    )


def _program(record: LoopRecord) -> str:
    version = _fact(record, "version")
    named = f"napari-graft {version}" if version else "napari-graft"
    size = " × ".join(map(str, record.shape))
    pixels = "of unknown pixel size"
    if record.pixel_size is not None:
        pixels = f"with pixels of {' × '.join(f'{s:g}' for s in record.pixel_size)} {record.unit}"
    return (
        f"{_capitalised(record.structure_words)} were segmented with {named} in an image of {size} pixels "
        f"({', '.join(record.axes)}) {pixels}."
    )


def _ranking(record: LoopRecord) -> str:
    if not record.ranking:
        return f"The model “{record.source_title}” was taken as the source."
    chosen = next((row for row in record.ranking if row["source"] == record.source_id), None)
    numbers = ""
    if chosen is not None:
        z, p_value = (significant(number(chosen, key)) for key in ("z", "p_value"))
        numbers = f" (z = {z}, p = {p_value})"
    others = [
        words
        for key, words in _FURTHER_PARTS.items()
        if any(row.get(key) is not None for row in record.ranking)
    ]
    by = "by their mean place in" if others else "by"
    return (
        f"Of {n_of(len(record.ranking), 'pretrained source model')}, ranked {by} the squared maximum mean "
        "discrepancy between the features of their own training images and those of this image, computed "
        "with each source’s own encoder and expressed as a z-score against the null distribution within the "
        "source (after NeuroADDA; Sawmya et al. 2025)"
        f"{''.join(f', {words}' for words in others)}, “{record.source_title}”{numbers} was adapted."
    )


def _tiles(record: LoopRecord) -> str:
    n = max(number(row, "n_tiles") for row in record.rounds)
    if not n:
        return "No tile was annotated."
    strategy = (
        "foreground-diversity" if record.strategy == "auto" and len(record.rounds) == 1 else record.strategy
    )
    chosen = _STRATEGIES.get(strategy, f"the strategy “{strategy}”" if strategy else "the user")
    shapes = {tuple(side for side in tile.shape if side > 1) for tile in record.tiles}
    size = f" of {' × '.join(map(str, shapes.pop()))} pixels" if len(shapes) == 1 else ""
    rounds = n_of(len(record.rounds), "round")
    return f"In {rounds} {n_of(n, 'tile')}{size} {'was' if n == 1 else 'were'} annotated, chosen by {chosen}."


def _training(record: LoopRecord) -> str:
    row = record.compared_round
    if not number(row, "n_tiles"):
        return (
            "The network is a residual U-Net that predicts the foreground and affinities at short and long "
            "distances, and objects were obtained by the mutex watershed (Wolf et al. 2020)."
        )
    steps, seconds = number(row, "steps"), number(row, "seconds")
    amount = "" if math.isnan(steps) else f" for {steps:.0f} steps"
    if not math.isnan(seconds):
        device = _fact(record, "device")
        amount += f" ({duration(seconds)}{f' on {device}' if device else ''})"
    return (
        "The network, a residual U-Net that predicts the foreground and affinities at short and long "
        f"distances, was trained on the annotated pixels of {_tile_count(row)}{amount}, and objects were "
        "obtained by the mutex watershed (Wolf et al. 2020)."
    )


def _result(record: LoopRecord) -> str:
    rows = [(f"after adaptation with {_tile_count(row)}", row) for row in record.rounds]
    rows += [(f"from scratch with {_tile_count(row)}", row) for row in record.all_scratch]
    rows += [("for the source without adaptation", record.zero_shot)]
    reached = (f"{text(number(row, 'vi'))} and {text(number(row, 'ap50'))} {words}" for words, row in rows)
    return (
        "On the test part, which took no part in training, the variation of information (VI, in bits, "
        "background of the truth ignored) and the average precision at an overlap of 0.5 (AP50) were "
        f"{'; '.join(reached)}."
    )


def _tile_count(row: Row) -> str:
    return n_of(number(row, "n_tiles"), "tile")


def _caution(record: LoopRecord) -> str:
    seed = _fact(record, "seed")
    return f"All numbers come from one run{f' with seed {seed}' if seed else ''}."


def _fact(record: LoopRecord, name: str) -> str:
    return next((value for key, value in record.facts.items() if key.lower() == name), "")


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]
