"""Boxes on the image: how large a tile is, the tiles among which was chosen, and those to go through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer, Shapes, Vectors
from napari.utils.colormaps import ensure_colormap
from numpy.typing import NDArray

from napari_graft._napari.images import shape_of
from napari_graft._napari.layers import find_layer, mark, our_layers, remove_layers
from napari_graft._napari.overlays.field_of_view import centre_of_view
from napari_graft._napari.placement import corners, placed
from napari_graft.core.tile import Tile
from napari_graft.jobs.builtin.suggest import CandidateTile
from napari_graft.project.tile_queue import QueuedTile, TileQueue

_COLOUR = "#ffd54f"


def show_tile_box(viewer: ViewerModel, image: Image, side: int) -> None:
    """Draw a tile of `side` pixels in the middle of what is seen of an image."""
    hide_tile_box(viewer)
    shape = shape_of(image)
    ndim = len(shape)
    centre = np.asarray(image.world_to_data(centre_of_view(viewer))[-ndim:])
    lengths = np.minimum(side, shape[-2:])
    starts = np.clip(centre[-2:] - lengths / 2, 0, np.asarray(shape[-2:]) - lengths)
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]]) * lengths + starts
    before = np.broadcast_to(centre[:-2], (4, ndim - 2)).round()
    active = viewer.layers.selection.active
    viewer.add_shapes(
        [np.hstack([before, corners])],
        shape_type="rectangle",
        face_color="transparent",
        edge_color=_COLOUR,
        edge_width=max(1.0, side / 100),
        name=f"{image.name} · tile size",
        metadata=mark("tiles", kind="size"),
        **placed(image),
    )
    viewer.layers.selection.active = active


def hide_tile_box(viewer: ViewerModel) -> None:
    """Remove the box."""
    if find_layer(viewer, "tiles", kind="size") is not None:
        remove_layers(viewer, "tiles", kind="size")


UNCERTAINTY_COLOURS = "magma"
_CURRENT = (1.0, 0.84, 0.31, 1.0)
_FAINT = 0.45
_STATES = {
    "to do": (0.31, 0.76, 0.97, 1.0),
    "unsure": (1.0, 0.6, 0.2, 1.0),
    "done": (0.55, 0.85, 0.55, _FAINT),
    "skipped": (0.6, 0.6, 0.6, _FAINT),
    "bad image": (0.9, 0.4, 0.4, _FAINT),
}
_MARKS = {"done": "✓", "unsure": "?", "skipped": "–", "bad image": "×"}
_LINE = 0.008
"""Width of a line, as a share of the side of a tile."""


def show_candidates(
    viewer: ViewerModel, image: Image, candidates: Sequence[CandidateTile], current: Tile | None = None
) -> None:
    """Colour the tiles among which was chosen by how unsure the model is, where that is known.

    The colour would only hide what is painted on the current one: it gets none.
    """
    layer = find_layer(viewer, "tiles", kind="candidates")
    candidates = [candidate for candidate in candidates if candidate.uncertainty is not None]
    if not candidates:
        _remove(viewer, layer)
        return
    tiles = [candidate.tile for candidate in candidates]
    colours = uncertainty_colours([candidate.uncertainty or 0.0 for candidate in candidates])
    if current is not None:
        colours[[tile.overlaps(current) for tile in tiles], 3] = 0
    sides = tiles[0].shape[-2:]
    vectors = np.stack([_wide_line(tile) for tile in tiles])
    if isinstance(layer, Vectors):
        layer.data = vectors
        layer.edge_color = colours
        layer.edge_width = float(sides[0])
        return
    _add_beneath(
        viewer,
        Vectors(
            vectors,
            # A line as wide as it is long is a square, and hundreds of them cost no more than one.
            vector_style="line",
            edge_width=float(sides[0]),
            edge_color=colours,
            opacity=0.25,
            name=f"{image.name} · candidates",
            metadata=mark("tiles", kind="candidates"),
            **placed(image),
        ),
    )


def show_queue(viewer: ViewerModel, image: Image, queue: TileQueue, current: Tile | None) -> None:
    """Outline the tiles to go through, with their number; those that are done faintly, with a tick.

    Around the current one the image is dimmed.
    """
    layer = find_layer(viewer, "tiles", kind="queue")
    if not queue.tiles:
        _remove(viewer, layer)
        return
    dimmed = [] if current is None else list(_around(current, shape_of(image)[-2:]))
    # The current one comes last, so that its neighbours do not cover its outline.
    numbered = sorted(enumerate(queue.tiles, 1), key=lambda entry: entry[1].tile == current)
    boxes = dimmed + [corners(queued.tile) for _, queued in numbered]
    if not isinstance(layer, Shapes):
        layer = Shapes(
            ndim=queue.tiles[0].tile.ndim,
            name=f"{image.name} · tiles",
            metadata=mark("tiles", kind="queue"),
            **placed(image),
        )
        _add_beneath(viewer, layer)
    edges = [(0.0,) * 4] * len(dimmed) + [_edge(queued, current) for _, queued in numbered]
    faces = [(0.0, 0.0, 0.0, 0.4)] * len(dimmed) + [(0.0,) * 4] * len(queue.tiles)
    width = max(1.0, _LINE * queue.tiles[0].shape[-1])
    layer.data = []
    layer.add(boxes, shape_type="rectangle", edge_color=edges, face_color=faces, edge_width=width)
    words = [""] * len(dimmed) + [_words(i, queued) for i, queued in numbered]
    layer.text = {"string": words, "size": 11, "color": "white", "anchor": "upper_left"}
    layer.editable = False


def hide_boxes(viewer: ViewerModel) -> None:
    """Remove all boxes."""
    for kind in ("candidates", "queue"):
        _remove(viewer, find_layer(viewer, "tiles", kind=kind))


def uncertainty_colours(values: Sequence[float]) -> NDArray[np.float32]:
    """Return a colour for each mean uncertainty, from the least to the greatest of them."""
    known = np.asarray(values, float)
    span = max(float(np.ptp(known)), np.finfo(float).tiny)
    return np.asarray(ensure_colormap(UNCERTAINTY_COLOURS).map((known - known.min()) / span), np.float32)


def _edge(queued: QueuedTile, current: Tile | None) -> tuple[float, ...]:
    return _CURRENT if queued.tile == current else _STATES[queued.state]


def _words(number: int, queued: QueuedTile) -> str:
    return f"{number} {_MARKS.get(queued.state, '')}".strip()


def _wide_line(tile: Tile) -> np.ndarray:
    """Return the middle line of a tile from its left to its right side, as start and direction."""
    start = np.array(tile.start, float)
    start[-2:] += (tile.shape[-2] / 2 - 0.5, -0.5)
    direction = np.zeros(tile.ndim)
    direction[-1] = tile.shape[-1]
    return np.stack([start, direction])


def _around(tile: Tile, bounds: Sequence[int]) -> list[np.ndarray]:
    """Return the corners of the four boxes that cover a slice but for the tile."""
    (top, left), (bottom, right) = tile.start[-2:], tile.stop[-2:]
    height, width = bounds
    parts = (
        ((0, 0), (top, width)),
        ((bottom, 0), (height - bottom, width)),
        ((top, 0), (bottom - top, left)),
        ((top, right), (bottom - top, width - right)),
    )
    before_start, before_shape = tile.start[:-2], tile.shape[:-2]
    return [
        corners(Tile((*before_start, *start), (*before_shape, *shape)))
        for start, shape in parts
        if min(shape) > 0
    ]


def _add_beneath(viewer: ViewerModel, layer: Layer) -> None:
    """Add a layer beneath what is painted, and leave the user's choice of layers as it was."""
    active = viewer.layers.selection.active
    painted = [
        viewer.layers.index(one)
        for role in ("uncertainty", "guess", "labels")
        for one in our_layers(viewer, role)
    ]
    viewer.layers.insert(min(painted, default=len(viewer.layers)), layer)
    viewer.layers.selection.active = active


def _remove(viewer: ViewerModel, layer: Layer | None) -> None:
    if layer is not None:
        viewer.layers.remove(layer)
