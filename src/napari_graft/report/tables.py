"""The tables of the page, as rows of words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from napari_graft.report.record import (
    AP50,
    DICE,
    MEASURES,
    MISSING,
    VI,
    VI_MERGE,
    VI_SPLIT,
    LoopRecord,
    Measure,
    Row,
    count,
    duration,
    leading_measures,
    n_of,
    number,
    significant,
    text,
)

HELD_OUT_NAMES = {"new": "New model", "previous": "Model before it", "source": "Source as it is"}
_HELD_OUT_MEASURES = (VI, VI_SPLIT, VI_MERGE, AP50, DICE)


@dataclass(frozen=True, slots=True)
class Cell:
    """A number as words, and whether it is the best of its column."""

    words: str
    is_best: bool = False


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A line of a table; `kind` is the model's colour: ``source``, ``scratch`` or ``adapted``."""

    name: str
    kind: str
    cells: tuple[Cell, ...]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the result: its length is a share of the longest one's, in per cent."""

    name: str
    kind: str
    value: str
    length: float


@dataclass(frozen=True, slots=True)
class _Model:
    name: str
    kind: str
    row: Row


def score_rows(record: LoopRecord) -> list[ScoreRow]:
    """Return the test scores of all models, in the order of `MEASURES`, then objects, steps and seconds."""
    models = _models(record)
    best = [_best([number(m.row, measure.key) for m in models], measure) for measure in MEASURES]
    return [
        ScoreRow(
            model.name,
            model.kind,
            (
                *(_cell(number(model.row, m.key), b) for m, b in zip(MEASURES, best, strict=True)),
                Cell(_objects(model.row)),
                Cell(count(number(model.row, "steps"))),
                Cell(duration(number(model.row, "seconds"))),
            ),
            "" if model.row.get("kept", True) else "not kept: worse on the held-out part",
        )
        for model in models
    ]


def held_out_rows(record: LoopRecord) -> tuple[list[str], list[ScoreRow]]:
    """Return the heads and the lines of the held-out scores; both empty where nothing was held out."""
    shown = [m for m in _HELD_OUT_MEASURES if any(m.key in row for row in record.held_out.values())]
    if not shown:
        return [], []
    rows = [
        ScoreRow(HELD_OUT_NAMES.get(name, name), "", tuple(Cell(text(number(row, m.key))) for m in shown))
        for name, row in record.held_out.items()
    ]
    return [m.name for m in shown], rows


def result_bars(record: LoopRecord) -> list[Bar]:
    """Return the leading score of each model as a bar; models without it are left out."""
    measure = leading_measures(record.structure)[0]
    values = [(m, number(m.row, measure.key)) for m in _models(record)]
    longest = max([v for _, v in values if not math.isnan(v)], default=0.0)
    scale = (longest or 1.0) if measure.lower_is_better else 1.0
    return [Bar(m.name, m.kind, text(v), 100 * v / scale) for m, v in values if not math.isnan(v)]


def ranking_rows(record: LoopRecord) -> list[dict[str, str]]:
    """Return what ``rank`` says of each source, as words."""
    return [
        {
            "title": str(row["title"]),
            "structure": str(row.get("structure") or MISSING),
            "verdict": str(row.get("verdict") or MISSING),
            "z": significant(number(row, "z")),
            "p_value": significant(number(row, "p_value")),
            "mmd2": _small(number(row, "mmd2")),
            "combined": text(number(row, "combined")),
            "mmd2_general": _small(number(row, "mmd2_general")),
            "consistency": text(number(row, "consistency")),
            "few_shot": text(number(row, "few_shot")),
            "remedy": str(row.get("remedy") or ""),
        }
        for row in record.ranking
    ]


def _models(record: LoopRecord) -> list[_Model]:
    scratch = [_Model(f"From scratch, {_tiles(row)}", "scratch", row) for row in record.all_scratch]
    if record.scratch_longer is not None:
        row = record.scratch_longer
        words = f"From scratch, {_tiles(row)}, {count(number(row, 'steps'))} steps"
        scratch.append(_Model(words, "scratch", row))
    adapted = [_Model(f"Adapted, {_tiles(row)}", "adapted", row) for row in record.rounds]
    return [_Model("Source as it is", "source", record.zero_shot), *scratch, *adapted]


def _tiles(row: Row) -> str:
    return n_of(number(row, "n_tiles"), "tile")


def _objects(row: Row) -> str:
    found, true = count(number(row, "n_predicted")), count(number(row, "n_true"))
    return f"{found} / {true}" if (found, true) != (MISSING, MISSING) else MISSING


def _cell(value: float, best: float) -> Cell:
    return Cell(text(value), text(value) == text(best) != MISSING)


def _best(values: Sequence[float], measure: Measure) -> float:
    found = [value for value in values if not math.isnan(value)]
    if len(found) < 2:
        return math.nan
    return min(found) if measure.lower_is_better else max(found)


def _small(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value:.2g}".replace("-", "−")
