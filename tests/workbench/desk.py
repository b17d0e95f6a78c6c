"""A window without a window: a project with a small generated image, and callbacks that a test runs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile

from napari_graft.annotation.draft import DraftJournal
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project
from napari_graft.project.tile_queue import QueuedTile, TileQueue
from napari_graft.samples.cells import generate_cells
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.workbench.annotate.model import AnnotatingModel
from napari_graft.workbench.annotate.tile_painting import TilePainting
from napari_graft.workbench.context import Context

SIDE = 64
SOURCE = "phase-t98g"
PATIENCE = 90.0


def make_small_project(folder: Path, *, with_queue: bool = True) -> Path:
    """Make a project of a (256, 256) image of cells with three tiles to do; return its folder."""
    image = folder / "cells.tif"
    tifffile.imwrite(image, generate_cells((256, 256), np.random.default_rng(0)).image)
    project = make_project(folder / "cells.graft", ImageOptions(str(image), pixel_size=(650.0, 650.0)))
    if with_queue:
        starts = ((0, 0), (64, 64), (128, 0))
        tiles = tuple(
            QueuedTile(start=start, shape=(SIDE, SIDE), score=1.0, reason="test") for start in starts
        )
        project.store_queue(TileQueue(tiles=tiles))
    project.close()
    return folder / "cells.graft"


class StuckDraft(DraftJournal):
    """A draft on a disk that does not answer until it is let go."""

    def __init__(self, path: Path, tile: Tile) -> None:
        super().__init__(path, tile)
        self.may_go = threading.Event()

    def append(self, labels: np.ndarray, begun: np.ndarray | None = None) -> bool:
        assert self.may_go.wait(PATIENCE)
        return super().append(labels, begun)


class AnnotateDriver:
    """Drive the model of the tab Annotate; `labels` stands for the layer that a person paints on."""

    def __init__(self, folder: Path, source: str | None = None) -> None:
        self.callbacks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.context, self.model = self.make_models(source)
        self.labels: np.ndarray | None = None
        self.refused: list[str] = []
        self.told: list[str] = []
        self.model.refused.connect(self.refused.append)
        self.model.told.connect(self.told.append)
        self.model.state.events.painting.connect(self._show)
        self.model.labels_wanted.connect(self.note)
        self.context.take(open_project(folder, write=True))
        self.wait(lambda: bool(self.model.state.queue.tiles) or not self.context.jobs.active)

    def make_models(self, source: str | None) -> tuple[Context, AnnotatingModel]:
        context = Context(self.callbacks.put)
        return context, AnnotatingModel(context, tile_side=lambda: SIDE, chosen_source=lambda: source)

    def _show(self, painting: TilePainting | None) -> None:
        self._tile = None if painting is None else painting.tile
        self.labels = None if painting is None else painting.labels.copy()

    def note(self) -> None:
        if self.labels is not None and self._tile is not None:
            self.model.note_painting(self._tile, self.labels)

    def paint(self, label: int, part: tuple[slice, ...] = (slice(8, 20), slice(8, 20))) -> None:
        assert self.labels is not None
        self.labels[part] = label
        self.note()

    def open(self, tile: Tile) -> None:
        before = self.model.state.painting
        self.model.go_to(tile)
        self.wait(lambda: (now := self.model.state.painting) not in (None, before) and now.tile == tile)

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Run callbacks until a condition holds."""
        end = time.monotonic() + PATIENCE
        while not is_so():
            self.callbacks.get(timeout=max(0.01, end - time.monotonic()))()

    def settle(self) -> None:
        """Run callbacks until no job is left."""
        self.wait(lambda: not self.context.jobs.active)

    def close(self) -> None:
        self.context.close()
