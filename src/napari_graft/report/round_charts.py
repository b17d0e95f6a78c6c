"""Charts of the rounds: the tiles suggested in each, and the scores against the number of tiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, withStroke

from napari_graft.report.drawing import (
    DARK,
    FONT,
    LIGHT,
    Picture,
    Theme,
    ThemedPicture,
    add_axes,
    new_figure,
    save,
    write_on,
)
from napari_graft.report.record import (
    MISSING,
    LoopRecord,
    Measure,
    Overview,
    Row,
    SuggestedTile,
    leading_measures,
    number,
    text,
)

# One for each round, from Okabe and Ito (2008), bright enough for a grey image.
ROUND_COLOURS = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#00c48f")
_WIDTHS = {1: 640, 2: 480}  # on the page, by the number of overviews; three stand side by side
_NARROW, _TALLEST = 330, 900
_INK = "#10151a"


def overview_charts(record: LoopRecord) -> list[Picture]:
    """Draw each overview with the tiles that lie on it."""
    return [_draw_overview(record, i) for i in range(len(record.overviews))]


def round_colour(round_number: int) -> str:
    """Return the colour of the tiles of a round, the first is 1."""
    return ROUND_COLOURS[(round_number - 1) % len(ROUND_COLOURS)]


def numbered_tiles(record: LoopRecord, overview_index: int) -> list[tuple[int, SuggestedTile]]:
    """Return the tiles of an overview, with their numbers from 1 in the record's order."""
    return [(n, t) for n, t in enumerate(record.tiles, start=1) if t.overview_index == overview_index]


def _draw_overview(record: LoopRecord, index: int) -> Picture:
    overview = record.overviews[index]
    height, width = overview.image.shape
    wanted = _WIDTHS.get(len(record.overviews), _NARROW)
    zoom = min(wanted / width, _TALLEST / height)
    figure = new_figure(width * zoom, height * zoom, LIGHT)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(overview.image, cmap="gray", vmin=0, vmax=255, interpolation="antialiased", aspect="auto")
    axes.set_axis_off()
    tiles = numbered_tiles(record, index)
    for n, tile in tiles:
        _draw_tile(axes, overview, n, tile, 1 / zoom)
    return save(figure, f"tiles-{index + 1}", _alt_of_overview(overview, tiles))


def _draw_tile(axes: Axes, overview: Overview, number: int, tile: SuggestedTile, pixel: float) -> None:
    """Draw a box and its number; `pixel` is the size of a pixel of the page on the overview."""
    y, x = (start / overview.scale - 0.5 for start in tile.start[-2:])
    height, width = (side / overview.scale for side in tile.shape[-2:])
    colour = round_colour(tile.round)
    casing = [withStroke(linewidth=4.5, foreground=_INK), Normal()]
    inset = 1.5 * pixel
    corner, size = (x + inset, y + inset), (width - 2 * inset, height - 2 * inset)
    style = {"edgecolor": colour, "linewidth": 2.2, "path_effects": casing, "clip_on": False}
    box = Rectangle(corner, *size, fill=False, **style)  # type: ignore[arg-type]
    axes.add_patch(box)
    badge = {"boxstyle": "square,pad=0.28", "facecolor": colour, "edgecolor": _INK, "linewidth": 1.0}
    place = (x + 7 * pixel, y + 7 * pixel)
    write_on(
        axes, *place, str(number), fontsize=11, fontweight="bold", color=_INK, ha="left", va="top", bbox=badge
    )


def _alt_of_overview(overview: Overview, tiles: Sequence[tuple[int, SuggestedTile]]) -> str:
    where = "The image" if overview.z is None else f"Slice {overview.z}"
    if not tiles:
        return f"{where}, without a suggested tile."
    said = (f"tile {n} at {', '.join(map(str, t.start))}" for n, t in tiles)
    return f"{where} with the suggested tiles as numbered boxes: {'; '.join(said)}."


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
    return ThemedPicture(_draw_curve(record, LIGHT), _draw_curve(record, DARK))


def _draw_curve(record: LoopRecord, theme: Theme) -> Picture:
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
    return save(figure, f"curve{theme.suffix}", _alt_of_curve(record))


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


def _alt_of_curve(record: LoopRecord) -> str:
    def told(rows: Sequence[Row], measure: Measure) -> str:
        values = (f"{text(number(row, measure.key))} at {number(row, 'n_tiles'):g}" for row in rows)
        return ", ".join(values) or MISSING

    return " ".join(
        f"{measure.name} by annotated tiles: adapted {told(record.rounds, measure)}; from scratch "
        f"{told(record.all_scratch, measure)}; source as it is {text(number(record.zero_shot, measure.key))}."
        for measure in leading_measures(record.structure)
    )
