"""A project as layers, computed where napari looks: its image, the latest result, what was painted."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import CyclicLabelColormap, label_colormap
from numpy.typing import DTypeLike, NDArray

from napari_graft._napari.layers import mark
from napari_graft._napari.placement import LayerData, corners, placement
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.labels import BACKGROUND
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.project.project import Project
from napari_graft.project.tile_queue import QueuedTile, TileState, merged_queue

if TYPE_CHECKING:
    import dask.array


PLANE_SIDE = 1024
"""Pixels that are read at once along y and x, at least; a plane on the screen then takes few reads."""


def lazy_pixels(volume: Volume) -> dask.array.Array:
    """Show a volume as an array with the channels last; nothing is read yet."""
    n_channels = () if volume.channel_axis is None else (volume.data.shape[volume.channel_axis],)
    return lazy_array(volume.read_raw, volume.shape, volume.dtype, _block_shape(volume), n_channels)


def lazy_array(
    read: Callable[[Tile], NDArray[Any]],
    shape: tuple[int, ...],
    dtype: DTypeLike,
    block_shape: tuple[int, ...],
    n_channels: tuple[int, ...] = (),
) -> dask.array.Array:
    """Show what `read` gives for a box as an array of `shape`, and behind it the channels."""
    from dask import array

    def block(block_info: dict[None, dict[str, list[tuple[int, int]]]]) -> NDArray[Any]:
        place = block_info[None]["array-location"][: len(shape)]
        return read(Tile(tuple(a for a, _ in place), tuple(b - a for a, b in place)))

    chunks = array.core.normalize_chunks((*block_shape, *n_channels), (*shape, *n_channels))
    empty = np.empty((0,) * (len(shape) + len(n_channels)), dtype)
    lazy: dask.array.Array = array.map_blocks(block, chunks=chunks, dtype=dtype, meta=empty)
    return lazy


def _block_shape(volume: Volume) -> tuple[int, ...]:
    """Return whole chunks of the file, several of them where they are small, so that none is read twice."""
    stored = getattr(volume.data, "chunks", None) or (1,) * volume.data.ndim
    chunk = [n for axis, n in enumerate(stored) if axis != volume.channel_axis]
    wanted = [1] * (len(chunk) - 2) + [PLANE_SIDE] * 2
    return tuple(
        min(n, own * -(-least // own)) for n, own, least in zip(volume.shape, chunk, wanted, strict=True)
    )


def show_volume(image: Image, volume: Volume) -> None:
    """Let a layer show the pixels of a volume; it keeps its axes of one pixel and its number of levels."""
    pixels = lazy_pixels(volume)
    if not image.multiscale:
        image.data = pixels.reshape(image.data.shape)
        return
    shapes = [level.shape for level in image.data]
    image.data = [_thinned(pixels.reshape(shapes[0]), shape) for shape in shapes]


def _thinned(pixels: dask.array.Array, shape: tuple[int, ...]) -> dask.array.Array:
    """Return a level of this shape, by leaving pixels out."""
    steps = (slice(None, None, ceil(n / m)) for n, m in zip(pixels.shape, shape, strict=True))
    level: dask.array.Array = pixels[tuple(steps)]
    return level


EDGE_COLOURS: dict[TileState, str] = {
    "to do": "#ffd54f",
    "done": "#66bb6a",
    "unsure": "#ff8a65",
    "skipped": "#9e9e9e",
    "bad image": "#9e9e9e",
}

_N_COLOURS = 250
_GREY = (0.35, 0.35, 0.35, 1.0)


def project_layers(project: Project) -> list[LayerData]:
    """Return the layers of a project, from the lowest to the uppermost; large arrays are not read.

    Raises
    ------
    InputError
        If the image is missing or another than it was, or a file of the project is damaged.
    """
    shown = _Shown(project)
    layers = [shown.image(), shown.result(), shown.labels(), shown.tiles()]
    return [layer for layer in layers if layer is not None]


def image_layer(project: Project) -> LayerData:
    """Return the layer of a project's image, which is not read."""
    return _Shown(project).image()


class _Shown:
    """The layers of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._volume = project.volume
        self._name = project.manifest.name
        self._place = placement(self._volume.axes)

    def image(self) -> LayerData:
        known: dict[str, Any] = {"rgb": self._volume.channel_axis is not None}
        if self._project.manifest.intensity_range is not None and not known["rgb"]:
            # Or napari would read several planes to find a range.
            known["contrast_limits"] = self._project.manifest.intensity_range
        return (lazy_pixels(self._volume), self._arguments("image") | {"name": self._name} | known, "image")

    def result(self) -> LayerData | None:
        volume = _latest_result(self._project, self._volume.shape)
        if volume is None:
            return None
        title = Path(volume.name).name.partition(".")[0]
        arguments = self._arguments("result") | {"name": f"{self._name} · {title}", "opacity": 0.5}
        return _for_looking(lazy_pixels(volume), arguments)

    def labels(self) -> LayerData | None:
        painted = self._project.annotations.labelled_tiles()
        if not painted:
            return None
        shape = self._volume.shape
        block_shape = (*(1,) * (len(shape) - 2), PLANE_SIDE, PLANE_SIDE)
        data = lazy_array(lambda box: _cut_out(painted, box), shape, np.uint32, block_shape)
        return _for_looking(data, self._arguments("labels") | {"colormap": _painted_colours()})

    def tiles(self) -> LayerData | None:
        project = self._project
        queue = merged_queue(project.queue(), project.suggestions(), project.annotations.tiles())
        if not queue.tiles:
            return None
        rectangles = [(tile, outline) for tile in queue.tiles for outline in _rectangles(tile.tile)]
        arguments = self._arguments("tiles") | {
            "shape_type": "rectangle",
            "face_color": "transparent",
            "edge_color": [EDGE_COLOURS[tile.state] for tile, _ in rectangles],
            "edge_width": max(1.0, max(max(tile.shape) for tile in queue.tiles) / 64),
            "features": _features([tile for tile, _ in rectangles]),
        }
        return ([outline for _, outline in rectangles], arguments, "shapes")

    def _arguments(self, role: Any) -> dict[str, Any]:
        noted = mark(role, project=str(self._project.folder))
        return {"name": f"{self._name} · {role}", "metadata": noted} | self._place


def _for_looking(data: dask.array.Array, arguments: dict[str, Any]) -> LayerData:
    """Return labels that napari locks, as it does at several scales: no stroke would be stored."""
    return ([data, data[..., ::2, ::2]], arguments | {"multiscale": True}, "labels")


def _latest_result(project: Project, shape: tuple[int, ...]) -> Volume | None:
    """Return the newest segmentation of the whole image, None where there is none."""
    folders = (project.folder / "results").glob("*.zarr")
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            volume = open_labels(folder)
        except InputError:  # a map of the uncertainty, or one that is being written
            continue
        if volume.shape == shape:
            return volume
    return None


def _cut_out(painted: list[LabelledTile], box: Tile) -> NDArray[np.uint32]:
    """Return what is painted in a box."""
    labels = np.zeros(box.shape, np.uint32)
    for one in painted:
        shared = one.tile.intersection(box)
        if shared is not None:
            inside = shared.shift([-a for a in one.tile.start])
            labels[shared.shift([-a for a in box.start]).slices] = one.labels[inside.slices]
    return labels


def _painted_colours() -> CyclicLabelColormap:
    """Return napari's colours of labels, with grey for the background, which is a label of its own here."""
    colours = label_colormap(_N_COLOURS).colors.copy()
    colours[BACKGROUND] = _GREY
    return CyclicLabelColormap(colors=colours)


def _rectangles(tile: Tile) -> list[NDArray[np.float64]]:
    """Return the outline of a tile in each of its slices, along the outer edges of its pixels."""
    if tile.ndim == 2:
        return [corners(tile)]
    slices = range(tile.start[0], tile.stop[0])
    return [corners(Tile((z, *tile.start[1:]), (1, *tile.shape[1:]))) for z in slices]


def _features(tiles: list[QueuedTile]) -> dict[str, list[Any]]:
    return {
        "state": [tile.state for tile in tiles],
        "reason": [tile.reason for tile in tiles],
        "round": [tile.round for tile in tiles],
    }
