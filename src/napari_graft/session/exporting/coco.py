"""Objects in the JSON of COCO (https://cocodataset.org/#format-data): an image for each slice."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.tile import Tile
from napari_graft.io.atomic import storage_errors
from napari_graft.io.writers.file_kinds import JSON, marked, program_name
from napari_graft.session.exporting.objects import boxes_in
from napari_graft.session.exporting.task import ExportFormat, ExportTask

Polygon = list[int]
"""Corners x, y, x, y… along the edges of pixels."""
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Right, down, left, up as (x, y): each is a turn to the right from the one before."""


def write_coco(task: ExportTask, out: Path) -> int:
    """Write the objects as COCO, of a stack each slice for itself, in which ``label`` joins the parts of one.

    An object without holes is a polygon along the edges of its pixels, one with holes a run-length encoding.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for z, pixels in enumerate(task.slices("writing the objects")):
        images.append(_describe(task, z))
        for one, box in boxes_in(pixels):
            annotation = annotate_object(np.asarray(pixels[box.slices] == one), box, pixels.shape)
            place = {"id": len(annotations) + 1, "image_id": z + 1, "category_id": 1, "label": one}
            annotations.append(place | annotation)
    axes = task.labels.axes
    document = {
        "info": {
            "description": f"objects written by {program_name()}",
            "axes": "".join(axes.names),
            "pixel_size": axes.pixel_size,
            "unit": axes.unit if axes.pixel_size else None,
        },
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": task.structure, "supercategory": "object"}],
    }
    with storage_errors(out):
        out.write_text(json.dumps(marked(document)), encoding="utf-8")
    return len({one["label"] for one in annotations})


def _describe(task: ExportTask, z: int) -> dict[str, Any]:
    height, width = task.labels.shape[-2:]
    found = {"id": z + 1, "file_name": task.image_name, "height": height, "width": width}
    return found | ({"z": z} if task.labels.axes.ndim == 3 else {})


def annotate_object(pixels: NDArray[np.bool_], box: Tile, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return area, box and outline of an object, in pixels, as COCO has them.

    Parameters
    ----------
    pixels
        (y, x) bool: which pixels of the box belong to the object.
    box
        Where it is in the slice.
    shape
        Shape (y, x) of the slice.
    """
    top, left = box.start
    outlines = trace_outlines(pixels)
    has_holes = any(_doubled_area(one) < 0 for one in outlines)
    polygons = [[c + (left, top)[i % 2] for i, c in enumerate(one)] for one in outlines]
    return {
        "segmentation": encode_runs(pixels, box, shape) if has_holes else polygons,
        "area": int(pixels.sum()),
        "bbox": [left, top, box.shape[1], box.shape[0]],
        "iscrowd": 0,
    }


def encode_runs(pixels: NDArray[np.bool_], box: Tile, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the run-length encoding of an object in a slice: column after column, beginning with background.

    The parameters are those of `annotate_object`.
    """
    x, y = np.nonzero(pixels.T)
    at = (x + box.start[1]) * shape[0] + y + box.start[0]
    is_first = np.diff(at, prepend=-2) > 1
    is_last = np.diff(at, append=at[-1] + 2) > 1
    bounds = np.stack([at[is_first], at[is_last] + 1], axis=1).ravel()
    counts = np.diff(bounds, prepend=0, append=shape[0] * shape[1])
    return {"size": list(shape), "counts": counts.tolist()}


def trace_outlines(pixels: NDArray[np.bool_]) -> list[Polygon]:
    """Return the outlines of an object along the edges of its pixels, clockwise as y points down.

    Those of holes run the other way. Parts that touch by a corner alone have an outline each.

    >>> trace_outlines(np.ones((1, 2), np.bool_))
    [[2, 0, 2, 1, 0, 1, 0, 0]]
    """
    edges = _edges(pixels)
    outlines = []
    for first in sorted(edges):
        if first not in edges:
            continue
        x, y, way = first
        corners: Polygon = []
        while True:
            edges.discard((x, y, way))
            x, y = x + _STEPS[way][0], y + _STEPS[way][1]
            turns = ((way + 1) % 4, way, (way - 1) % 4)
            turn = next(t for t in turns if (x, y, t) in edges or (x, y, t) == first)
            if turn != way:
                corners += [x, y]
            if (x, y, turn) == first:
                break
            way = turn
        outlines.append(corners)
    return outlines


def _edges(pixels: NDArray[np.bool_]) -> set[tuple[int, int, int]]:
    """Return the edges around the object by first corner and way, with the inside to the right."""
    padded = np.pad(pixels, 1)
    around = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    corners = tuple(accumulate(_STEPS[:3], lambda a, b: (a[0] + b[0], a[1] + b[1]), initial=(0, 0)))
    found: set[tuple[int, int, int]] = set()
    for way, (neighbour, (right, down)) in enumerate(zip(around, corners, strict=True)):
        y, x = np.nonzero(pixels & ~neighbour)
        found.update((a, b, way) for a, b in zip((x + right).tolist(), (y + down).tolist(), strict=True))
    return found


def _doubled_area(polygon: Polygon) -> int:
    """Return twice the area that a polygon encloses, negative where it runs the other way."""
    x, y = np.asarray(polygon).reshape(-1, 2).T
    return int(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


COCO = ExportFormat(write_coco, (".json",), lambda _: JSON)
