"""Scores against the number of annotated tiles: adapted, from scratch, and the source as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from napari_graft.report.drawing import DARK, FONT, LIGHT, Theme, ThemedPicture, add_axes, new_figure, save
from napari_graft.report.measures import Measure, leading_measures
from napari_graft.report.pictures import Picture
from napari_graft.report.record import LoopRecord, Row
from napari_graft.report.values import MISSING, number, text

WIDTH, HEIGHT = 960, 340
_BOXES = ((52, 76, 400, 204), (548, 76, 400, 204))


@dataclass(frozen=True, slots=True)
class _Line:
    rows: Sequence[Row]
    colour: str
    marker: str
    name: str
    gives_way: bool  # puts its number below that of an equal point of the other line


@dataclass(frozen=True, slots=True)
class _LabelPlace:
    offset: tuple[int, int]
    ha: Literal["center", "left"]
    va: Literal["bottom", "top", "center"]


# The number of the higher of two points stands above it, of the lower one below, or aside near the axis.
_ABOVE = _LabelPlace((0, 9), "center", "bottom")
_BELOW = _LabelPlace((0, -9), "center", "top")
_ASIDE = _LabelPlace((9, 0), "left", "center")


def curve_chart(record: LoopRecord) -> ThemedPicture:
    """Draw VI and AP50 side by side, the one that leads for this structure first."""
    return ThemedPicture(_draw(record, LIGHT), _draw(record, DARK))


def _draw(record: LoopRecord, theme: Theme) -> Picture:
    figure = new_figure(WIDTH, HEIGHT, theme)
    lines = (
        _Line(record.rounds, theme.adapted, "o", "adapted", False),
        _Line(record.all_scratch, theme.scratch, "s", "from scratch", True),
    )
    for measure, box in zip(leading_measures(record.structure), _BOXES, strict=True):
        _draw_measure(add_axes(figure, box, theme), record, measure, lines, theme)
    handles = [
        Line2D([], [], color=line.colour, marker=line.marker, linewidth=2, label=line.name) for line in lines
    ]
    handles.append(Line2D([], [], color=theme.faint, linestyle=(0, (4, 3)), label="source as it is"))
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(_BOXES[0][0] / WIDTH, 0.97), ncols=3,
        borderaxespad=0, frameon=False, fontsize=FONT, labelcolor=theme.ink, handlelength=2.4,
    )  # fmt: skip
    return save(figure, f"curve{theme.suffix}", _alt(record))


def _draw_measure(
    axes: Axes, record: LoopRecord, measure: Measure, lines: Sequence[_Line], theme: Theme
) -> None:
    counts = sorted({number(row, "n_tiles") for line in lines for row in line.rows})
    level = number(record.zero_shot, measure.key)
    values = [number(row, measure.key) for line in lines for row in line.rows]
    highest = max([v for v in (*values, level) if not math.isnan(v)], default=1.0)
    axes.set_ylim(0, 1.18 * highest or 1.0) if measure.lower_is_better else axes.set_ylim(0, 1.05)
    margin = 0.18 * (counts[-1] - counts[0]) or 1.0
    axes.set_xlim(counts[0] - margin, counts[-1] + margin)
    axes.set_xticks(counts)
    axes.grid(axis="y", color=theme.grid, linewidth=0.8)
    if not math.isnan(level):
        axes.axhline(level, color=theme.faint, linestyle=(0, (4, 3)), linewidth=1.4)
    for line, other in (lines, reversed(lines)):
        _draw_line(axes, measure, line, other)
    better = "lower is better" if measure.lower_is_better else "higher is better"
    unit = f", {measure.unit}" if measure.unit else ""
    axes.set_title(f"{measure.name}{unit} · {better}", loc="left", fontsize=FONT, color=theme.ink, pad=10)
    axes.set_xlabel("annotated tiles", color=theme.faint, fontsize=9, labelpad=6)


def _draw_line(axes: Axes, measure: Measure, line: _Line, other: _Line) -> None:
    x = [number(row, "n_tiles") for row in line.rows]
    y = [number(row, measure.key) for row in line.rows]
    axes.plot(x, y, color=line.colour, marker=line.marker, markersize=7, linewidth=2, clip_on=False, zorder=3)
    rivals = {number(row, "n_tiles"): number(row, measure.key) for row in other.rows}
    top = axes.get_ylim()[1]
    halo = [withStroke(linewidth=3, foreground=axes.get_facecolor())]
    for a, b in zip(x, y, strict=True):
        rival = rivals.get(a, math.nan)
        if not math.isnan(b):
            is_lower = b < rival or (b == rival and line.gives_way)
            place = _ABOVE if not is_lower else _BELOW if b > 0.14 * top else _ASIDE
            axes.annotate(
                text(b), (a, b), place.offset, textcoords="offset points", ha=place.ha, va=place.va,
                color=line.colour, fontsize=FONT, fontweight="bold", annotation_clip=False,
                path_effects=halo, zorder=4,
            )  # fmt: skip


def _alt(record: LoopRecord) -> str:
    def told(rows: Sequence[Row], measure: Measure) -> str:
        values = (f"{text(number(row, measure.key))} at {number(row, 'n_tiles'):g}" for row in rows)
        return ", ".join(values) or MISSING

    return " ".join(
        f"{measure.name} by annotated tiles: adapted {told(record.rounds, measure)}; from scratch "
        f"{told(record.all_scratch, measure)}; source as it is {text(number(record.zero_shot, measure.key))}."
        for measure in leading_measures(record.structure)
    )
