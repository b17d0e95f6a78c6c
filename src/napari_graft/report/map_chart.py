"""The map of the sources: a tree, and the distances between all of them as shades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from napari_graft.core.words import shorten
from napari_graft.fingerprints.source_map import TARGET, SourceMap
from napari_graft.report.drawing import (
    DARK,
    LIGHT,
    Theme,
    ThemedPicture,
    add_axes,
    new_figure,
    save,
    write_on,
)
from napari_graft.report.pictures import Picture

WIDTH = 960
_TREE, _TOP, _BOTTOM, _GAP = 150, 12, 58, 14
_MOST_ROWS = 480
_ROW = 30
_LONGEST_TITLE = 38
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
        side = min(_ROW * n, _MOST_ROWS)
        figure = new_figure(WIDTH, _TOP + side + _BOTTOM, theme)
        self._draw_tree(add_axes(figure, (_GAP, _TOP, _TREE, side), theme), theme)
        left = _GAP + _TREE + 4
        cells = add_axes(figure, (left, _TOP, side, side), theme)
        self._draw_cells(cells, theme)
        self._draw_scale(add_axes(figure, (left, _TOP + side + 20, min(side, 240), 9), theme), theme)
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
            title = shorten(self._title(name), _LONGEST_TITLE)
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
