"""Charts of the sources: the map of their distances, and their ranking."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from napari_graft.core.strings import shorten
from napari_graft.fingerprints.source_map import TARGET, SourceMap
from napari_graft.report.drawing import (
    DARK,
    LIGHT,
    Picture,
    Theme,
    ThemedPicture,
    add_axes,
    new_figure,
    save,
    write_on,
)
from napari_graft.report.record import LoopRecord, Row, number, significant

WIDTH = 960
_TREE, _MAP_TOP, _MAP_BOTTOM, _GAP = 150, 12, 58, 14
_MOST_ROWS = 480
_MAP_ROW = 30
_LONGEST_ON_MAP = 38
_N_NAMED = 3
_SHADES = {
    LIGHT: ("#083a66", "#0072b2", "#9cc9e3", "#f4f7f9"),
    DARK: ("#d6eefc", "#56b4e9", "#1f5b80", "#1b232a"),
}


@dataclass(frozen=True, slots=True)
class MapChart:
    """What a map is drawn of.

    Parameters
    ----------
    mapped
        The map.
    titles
        Titles of the sources by id; where one is missing, the id is written.
    target
        What the user's image is called.
    """

    mapped: SourceMap
    titles: Mapping[str, str]
    target: str = "your image"

    def draw(self, theme: Theme) -> Picture:
        """Draw the map on a light or a dark page."""
        n = len(self.mapped.names)
        side = min(_MAP_ROW * n, _MOST_ROWS)
        figure = new_figure(WIDTH, _MAP_TOP + side + _MAP_BOTTOM, theme)
        self._draw_tree(add_axes(figure, (_GAP, _MAP_TOP, _TREE, side), theme), theme)
        left = _GAP + _TREE + 4
        cells = add_axes(figure, (left, _MAP_TOP, side, side), theme)
        self._draw_cells(cells, theme)
        self._draw_scale(add_axes(figure, (left, _MAP_TOP + side + 20, min(side, 240), 9), theme), theme)
        return save(figure, f"map{theme.suffix}", self.alt)

    @property
    def alt(self) -> str:
        """What the map shows, for those who do not see it."""
        n = len(self.mapped.names) - (TARGET in self.mapped.names)
        words = f"Tree and heat map of the distances between {n} sources."
        if TARGET not in self.mapped.names:
            return words
        near = "; ".join(
            f"{self._title(one)} ({far:.2f})" for one, far in self.mapped.nearest_to(TARGET)[:_N_NAMED]
        )
        return f"{words} Nearest to {self.target}: {near}."

    def _title(self, name: str) -> str:
        return self.target if name == TARGET else self.titles.get(name, name)

    def _draw_tree(self, axes: Axes, theme: Theme) -> None:
        lines = self.mapped.branches[:, :, ::-1]
        axes.add_collection(LineCollection(list(lines), colors=theme.faint, linewidths=1.2))
        # Two that are not told apart are joined at 0: that line, too, is to be seen.
        highest = float(lines[..., 0].max()) or 1.0
        axes.set_xlim(1.03 * highest, -0.03 * highest)
        axes.set_ylim(len(self.mapped.names) - 0.5, -0.5)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines["bottom"].set_visible(False)

    def _draw_cells(self, axes: Axes, theme: Theme) -> None:
        n = len(self.mapped.names)
        axes.imshow(
            self.mapped.ordered_distances, cmap=_shades(theme), vmin=0, vmax=self._farthest,
            aspect="auto", interpolation="nearest",
        )  # fmt: skip
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines["bottom"].set_visible(False)
        for y, name in enumerate(self.mapped.ordered_names):
            is_target = name == TARGET
            style = {"color": theme.scratch if is_target else theme.ink, "va": "center", "ha": "left"}
            title = shorten(self._title(name), _LONGEST_ON_MAP)
            write_on(
                axes, n - 0.5 + 0.012 * n, y, title, fontweight="bold" if is_target else "normal", **style
            )
            if is_target:
                for corner, size in (((-0.5, y - 0.5), (n, 1)), ((y - 0.5, -0.5), (1, n))):
                    axes.add_patch(
                        Rectangle(
                            corner, *size, fill=False, edgecolor=theme.scratch, linewidth=1.6, clip_on=False
                        )
                    )

    def _draw_scale(self, axes: Axes, theme: Theme) -> None:
        axes.imshow(
            np.linspace(0, 1, 256)[np.newaxis],
            cmap=_shades(theme),
            extent=(0, self._farthest, 0, 1),
            aspect="auto",
        )
        axes.set_yticks([])
        axes.set_xticks([0, self._farthest], ["0 alike", f"{self._farthest:.2f} far apart"])
        left, right = axes.get_xticklabels()
        left.set_horizontalalignment("left")
        right.set_horizontalalignment("right")

    @property
    def _farthest(self) -> float:
        return float(self.mapped.distances.max()) or 1.0


def map_chart(mapped: SourceMap, titles: Mapping[str, str], target: str = "your image") -> ThemedPicture:
    """Draw a map for a light and a dark page; see `MapChart`."""
    chart = MapChart(mapped, titles, target)
    return ThemedPicture(chart.draw(LIGHT), chart.draw(DARK))


def _shades(theme: Theme) -> LinearSegmentedColormap:
    return LinearSegmentedColormap.from_list("near to far", _SHADES[theme])


NULL_BAND = 2.0
_ROW, _TOP, _BOTTOM, _RIGHT = 34, 30, 54, 220
_LETTER, _BOLD_LETTER = 6.9, 8.7
_LONGEST_TITLE = 44
_LOG_FROM = 30.0


def ranking_chart(record: LoopRecord) -> ThemedPicture:
    """Draw z of each source, best on top; it needs at least one source."""
    return ThemedPicture(_draw(record, LIGHT), _draw(record, DARK))


def is_same_structure(record: LoopRecord, row: Row) -> bool:
    """Say whether a source segments what is wanted, or something like it."""
    return bool(row.get("same_structure", row.get("structure") == record.structure))


def _draw(record: LoopRecord, theme: Theme) -> Picture:
    rows = record.ranking
    titles = [shorten(str(row["title"]), _LONGEST_TITLE) for row in rows]
    styles = [_Style.of(record, row, theme) for row in rows]
    left = max([80, *(style.letter * len(title) + 20 for style, title in zip(styles, titles, strict=True))])
    height = _ROW * len(rows)
    figure = new_figure(WIDTH, _TOP + height + _BOTTOM, theme)
    axes = add_axes(figure, (left, _TOP, WIDTH - left - _RIGHT, height), theme)
    _scale(axes, [number(row, "z") for row in rows], theme)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.axvspan(-NULL_BAND, NULL_BAND, color=theme.band, zorder=0)
    axes.text(0, -0.62, "chance", color=theme.faint, fontsize=9, ha="center", va="bottom")
    for y, (row, title, style) in enumerate(zip(rows, titles, styles, strict=True)):
        _draw_row(axes, y, row, title, style)
    axes.set_xlabel(_axis_words(axes), color=theme.faint, fontsize=9, labelpad=8)
    return save(figure, f"ranking{theme.suffix}", _alt(record))


class _Style:
    """Colours of one source's row."""

    def __init__(self, bar: str, ink: str, weight: str) -> None:
        self.bar, self.ink, self.weight = bar, ink, weight

    @property
    def letter(self) -> float:
        """Pixels that a letter takes, on average."""
        return _BOLD_LETTER if self.weight == "bold" else _LETTER

    @classmethod
    def of(cls, record: LoopRecord, row: Row, theme: Theme) -> _Style:
        if row["source"] == record.source_id:
            return cls(theme.adapted, theme.ink, "bold")
        if is_same_structure(record, row):
            return cls(theme.faint, theme.ink, "normal")
        return cls(theme.other, theme.faint, "normal")


def _draw_row(axes: Axes, y: int, row: Row, title: str, style: _Style) -> None:
    z = number(row, "z")
    across = axes.get_yaxis_transform()
    words = "not measured" if math.isnan(z) else f"{row.get('verdict', '')} · z {significant(z)}"
    if not math.isnan(z):
        axes.barh(y, z, height=0.42, color=style.bar)
        axes.plot([z, z], [y - 0.21, y + 0.21], color=style.bar, linewidth=2, solid_capstyle="butt")
    label = {"color": style.ink, "fontweight": style.weight, "va": "center"}
    write_on(axes, -0.02, y, title, transform=across, ha="right", **label)
    write_on(axes, 1.03, y, words, transform=across, ha="left", **label)


def _scale(axes: Axes, values: Sequence[float], theme: Theme) -> None:
    """Show chance on a linear scale, and far sources on a logarithmic one where they span decades."""
    found = [value for value in values if not math.isnan(value)]
    low, high = min([-NULL_BAND, *found]), max([NULL_BAND, *found])
    ticks: list[float]
    if max(-low, high) > _LOG_FROM:
        axes.set_xscale("symlog", linthresh=NULL_BAND, linscale=0.7)
        decades = [sign * 10.0**n for sign in (-1, 1) for n in range(1, 8)]
        ticks = sorted([0.0, -NULL_BAND, NULL_BAND, *(d for d in decades if 1.6 * low <= d <= 1.6 * high)])
        axes.set_xlim(1.25 * low, 1.25 * high)
    else:
        step = 2 if high - low <= 16 else 5 if high - low <= 30 else 10
        ticks = sorted({-NULL_BAND, NULL_BAND, *(float(t) for t in range(0, math.ceil(high) + 1, step))})
        axes.set_xlim(low - 0.5, high + 0.5)
    axes.xaxis.set_major_locator(
        FixedLocator([t for t in ticks if axes.get_xlim()[0] <= t <= axes.get_xlim()[1]])
    )
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "−")))
    axes.grid(axis="x", color=theme.grid, linewidth=0.8)


def _axis_words(axes: Axes) -> str:
    words = "z: distance to the source’s own training images, in standard deviations of chance"
    return f"{words} (logarithmic beyond ±2)" if axes.get_xscale() == "symlog" else words


def _alt(record: LoopRecord) -> str:
    said = (
        f"{row['title']} {row.get('verdict', '')} (z {significant(number(row, 'z'))})"
        for row in record.ranking
    )
    return f"Bar plot of the distance of each source, best first: {'; '.join(said)}."
