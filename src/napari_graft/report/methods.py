"""A paragraph for the methods section of a paper, with the numbers of this run."""

from __future__ import annotations

import math

from napari_graft.report.record import LoopRecord, Row
from napari_graft.report.values import duration, n_of, number, significant, text

REFERENCES = (
    "Sawmya S., Athey T. L., Liu G., Shavit N. (2025). NeuroADDA: Active Discriminative Domain Adaptation in "
    "Connectomics. arXiv:2503.06196.",
    "Xie Y., Ding M., Tomizuka M., Zhan W. (2023). Towards Free Data Selection with General-Purpose Models. "
    "NeurIPS 2023. arXiv:2309.17342.",
    "Wolf S., Bailoni A., Pape C., Rahaman N., Kreshuk A., Köthe U., Hamprecht F. A. (2020). The Mutex "
    "Watershed and its Objective: Efficient, Parameter-Free Graph Partitioning. IEEE TPAMI 43(10):3724–3738.",
)

_FREESEL = "the FreeSel method (Xie et al. 2023), which covers the patterns of the image without any label"
_STRATEGIES = {
    "auto": f"{_FREESEL}, and in later rounds by the uncertainty of the current model with diversity",
    "freesel": _FREESEL,
    "random": "chance",
    "foreground-random": "chance among places with objects",
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
    strategy = "freesel" if record.strategy == "auto" and len(record.rounds) == 1 else record.strategy
    chosen = _STRATEGIES.get(strategy, f"the strategy “{strategy}”")
    shapes = {tuple(side for side in tile.shape if side > 1) for tile in record.tiles}
    size = f" of {' × '.join(map(str, shapes.pop()))} pixels" if len(shapes) == 1 else ""
    rounds = n_of(len(record.rounds), "round")
    return f"In {rounds} {n_of(n, 'tile')}{size} {'was' if n == 1 else 'were'} annotated, chosen by {chosen}."


def _training(record: LoopRecord) -> str:
    row = record.compared_round
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
