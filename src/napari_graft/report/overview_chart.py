"""The suggested tiles, drawn and numbered on the image."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, withStroke

from napari_graft.report.drawing import LIGHT, new_figure, save, write_on
from napari_graft.report.pictures import Picture
from napari_graft.report.record import LoopRecord, Overview, SuggestedTile

# One for each round, from Okabe and Ito (2008), bright enough for a grey image.
ROUND_COLOURS = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#00c48f")
_WIDTHS = {1: 640, 2: 480}  # on the page, by the number of overviews; three stand side by side
_NARROW, _TALLEST = 330, 900
_INK = "#10151a"


def overview_charts(record: LoopRecord) -> list[Picture]:
    """Draw each overview with the tiles that lie on it."""
    return [_draw(record, i) for i in range(len(record.overviews))]


def round_colour(round_number: int) -> str:
    """Return the colour of the tiles of a round, the first is 1."""
    return ROUND_COLOURS[(round_number - 1) % len(ROUND_COLOURS)]


def numbered_tiles(record: LoopRecord, overview_index: int) -> list[tuple[int, SuggestedTile]]:
    """Return the tiles of an overview, with their numbers from 1 in the record's order."""
    return [(n, t) for n, t in enumerate(record.tiles, start=1) if t.overview_index == overview_index]


def _draw(record: LoopRecord, index: int) -> Picture:
    overview = record.overviews[index]
    height, width = overview.image.shape
    wanted = _WIDTHS.get(len(record.overviews), _NARROW)
    zoom = min(wanted / width, _TALLEST / height)
    figure = new_figure(width * zoom, height * zoom, LIGHT)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(overview.image, cmap="gray", vmin=0, vmax=255, interpolation="antialiased", aspect="auto")
    axes.set_axis_off()
    tiles = numbered_tiles(record, index)
    for number, tile in tiles:
        _draw_tile(axes, overview, number, tile, 1 / zoom)
    return save(figure, f"tiles-{index + 1}", _alt(overview, tiles))


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


def _alt(overview: Overview, tiles: Sequence[tuple[int, SuggestedTile]]) -> str:
    where = "The image" if overview.z is None else f"Slice {overview.z}"
    if not tiles:
        return f"{where}, without a suggested tile."
    said = (f"tile {n} at {', '.join(map(str, t.start))}" for n, t in tiles)
    return f"{where} with the suggested tiles as numbered boxes: {'; '.join(said)}."
