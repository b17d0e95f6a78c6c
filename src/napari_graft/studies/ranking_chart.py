"""The benchmark ``ranking`` as a picture: how good the first choice of each order is, and the whole order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from napari_graft.report.drawing import LIGHT, add_axes, new_figure, save, write_on
from napari_graft.report.pictures import Picture

NAMES = {
    "trial": "train every source on the tiles",
    "combined": "rank, four tiles painted",
    "few-shot": "few shot alone",
    "combined, no labels": "rank, before any label",
    "mmd": "closeness alone (MMD)",
    "consistency": "consistency alone",
    "label": "genus and instrument on the card",
    "generalist": "always the generalist",
    "random": "at random",
}
"""The orders that are shown, from above, and what they are called."""
AIMS = {"regret": 0.1, "rho": 0.7}

_WIDTH, _ROW, _TOP, _BOTTOM = 780, 26, 34, 26
_PANELS = {"regret": (250, 250), "rho": (540, 220)}
_TITLES = {"regret": "First choice worse than the best by", "rho": "Agreement of the whole order, ρ"}


def ranking_chart(rows: Sequence[Mapping[str, object]]) -> Picture:
    """Draw the rows over all targets, as `table` returns them."""
    of_order = {row["order"]: row for row in rows if row["group"] == "all"}
    shown = [name for name in NAMES if name in of_order]
    height = _TOP + _ROW * len(shown) + _BOTTOM
    figure = new_figure(_WIDTH, height, LIGHT)
    for measure, (left, width) in _PANELS.items():
        axes = add_axes(figure, (left, _TOP, width, _ROW * len(shown)), LIGHT)
        values = [of_order[name][measure] for name in shown]
        _draw_panel(axes, shown, values, measure)
        axes.set_yticks(range(len(shown)))
        axes.set_yticklabels([NAMES[name] for name in shown] if measure == "regret" else [])
    return save(figure, "ranking", _alt(of_order))


def _draw_panel(axes: Axes, shown: Sequence[str], values: Sequence[object], measure: str) -> None:
    lengths = [float(value) if isinstance(value, int | float) else 0.0 for value in values]
    colours = [LIGHT.adapted if name.startswith("combined") else LIGHT.other for name in shown]
    axes.barh(range(len(shown)), lengths, height=0.62, color=colours)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max(*lengths, AIMS[measure]))
    axes.axvline(AIMS[measure], color=LIGHT.scratch, linewidth=1.2)
    axes.set_xticks([])
    for place, (value, length) in enumerate(zip(values, lengths, strict=True)):
        # A ground of its own keeps a number legible where the line of the aim goes through it.
        ground = {"facecolor": LIGHT.page, "edgecolor": "none", "pad": 1.5}
        shift = 0.02 * axes.get_xlim()[1]
        write_on(
            axes,
            length + shift,
            place,
            _words(value, measure),
            color=LIGHT.ink,
            va="center_baseline",
            bbox=ground,
        )
    write_on(axes, 0, -0.9, _TITLES[measure], color=LIGHT.ink)
    aim = f"aim {_words(AIMS[measure], measure)}"
    write_on(axes, AIMS[measure], len(shown) - 0.1, aim, color=LIGHT.scratch, ha="center", va="top")


def _words(value: object, measure: str) -> str:
    if not isinstance(value, int | float):
        return "–"
    return f"{100 * value:.3g} %" if measure == "regret" else f"{value:.2f}"


def _alt(of_order: Mapping[object, Mapping[str, object]]) -> str:
    row = of_order.get("combined")
    if row is None:
        return "How well the ranking foretells the best source"
    regret, rho = (_words(row[measure], measure) for measure in ("regret", "rho"))
    return f"With four tiles painted, the source put first is {regret} worse than the best; ρ is {rho}"
