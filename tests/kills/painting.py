"""Paint and accept tiles one after the other, and tell of each stroke and tile once it is on the disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project

SIDE, N_STROKES = 16, 3
STARTS = [(0, 32), (16, 32), (0, 48), (16, 48)]


def labels_after(stroke: int) -> np.ndarray:
    """Return what is painted after a stroke, 1 and on."""
    labels = np.ones((SIDE, SIDE), np.uint32)
    labels[: 4 * stroke] = 1 + stroke
    return labels


def paint(folder: Path) -> int:
    with open_project(folder, write=True) as project:
        for start in STARTS:
            tile = Tile(start, (SIDE, SIDE))
            for stroke in range(1, N_STROKES + 1):
                project.draft(tile).append(labels_after(stroke))
                print(json.dumps(["stroke", start, stroke]), flush=True)
            project.accept(LabelledTile(tile, labels_after(N_STROKES)), who="ada", seconds=1)
            print(json.dumps(["accepted", start]), flush=True)
    return 0
