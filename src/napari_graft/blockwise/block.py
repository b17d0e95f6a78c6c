"""Segment one block, keep it on disk once finished, and join the objects of finished blocks."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from napari_graft.blockwise.plan import BlockPlan
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Prediction, Predictor, uncertainty_map
from napari_graft.inference.view import ModelView
from napari_graft.io import atomic
from napari_graft.io.readers.unpacking import unpack_within
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.io.writers.sink import BLOCKS, LabelSink
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.segmentation.stitch import Match, Relabelling, match_faces

_PIXELS = "pixels"
_LABELS, _UNCERTAINTY, _SUFFIX = "labels", "uncertainty", ".safetensors"


@dataclass(frozen=True, slots=True)
class BlockResult:
    """The objects of one block.

    Parameters
    ----------
    labels
        Objects of the block and its halo on the image's grid, 0 background; only objects that reach into the
        core of the block, numbered 1… without gaps.
    n_labels
        Number of these objects.
    uncertainty
        Of the core, float16, or None.
    pixels
        Checksum of the pixels of the image that it was made of, see `Volume.checksum`.
    """

    labels: NDArray[np.uint32]
    n_labels: int
    uncertainty: NDArray[np.float16] | None = None
    pixels: str = ""


@dataclass(frozen=True, slots=True)
class FinishedBlocks:
    """Store of finished blocks in a folder, where a file is there wholly or not at all.

    Parameters
    ----------
    folder
        Where they are; it exists.
    """

    folder: Path

    @classmethod
    def inside(cls, staging: Path) -> FinishedBlocks:
        """Open the blocks of an unfinished result, none if it is new."""
        folder = staging / BLOCKS
        with atomic.storage_errors(folder):
            folder.mkdir(exist_ok=True)
            atomic.sync_folder(staging)
        return cls(folder)

    def numbers(self) -> set[int]:
        """Return the numbers of the finished blocks."""
        return {int(path.name.split(".")[0]) for path in self.folder.glob(f"*.{_LABELS}{_SUFFIX}")}

    def add(self, number: int, result: BlockResult) -> None:
        """Store a block and wait until it is on the disk.

        Raises
        ------
        StorageError
            If it cannot be written, for example because the disk is full; the other blocks stay.
        """
        if result.uncertainty is not None:
            self._save(self._path(number, _UNCERTAINTY), result.uncertainty, {})
        small = result.labels.astype(np.min_scalar_type(result.n_labels), copy=False)
        words = {"n_labels": str(result.n_labels), _PIXELS: result.pixels}
        self._save(self._path(number, _LABELS), small, words)

    def pixels(self, number: int) -> str | None:
        """Return the checksum of the pixels that a finished block was made of, None where it is damaged."""
        uncertainty = self._path(number, _UNCERTAINTY)
        try:
            if uncertainty.exists():
                load_tensors(uncertainty)
            # All of it and not the words alone: they stand there unchanged where the labels are damaged.
            return load_tensors(self._path(number, _LABELS))[1].get(_PIXELS)
        except InputError:
            return None

    def forget(self, number: int) -> None:
        """Let a block be made again."""
        for what in (_LABELS, _UNCERTAINTY):
            self._path(number, what).unlink(missing_ok=True)

    def labels(self, number: int) -> BlockResult:
        """Return a finished block without its uncertainty."""
        labels, words = self._load(self._path(number, _LABELS))
        return BlockResult(labels.astype(np.uint32, copy=False), int(words["n_labels"]))

    def uncertainty(self, number: int) -> NDArray[np.float32]:
        """Return the uncertainty of the core of a finished block."""
        return self._load(self._path(number, _UNCERTAINTY))[0].astype(np.float32)

    def _path(self, number: int, what: str) -> Path:
        return self.folder / f"{number:08d}.{what}{_SUFFIX}"

    def _save(self, path: Path, array: NDArray[np.generic], words: dict[str, str]) -> None:
        packed = np.frombuffer(zlib.compress(array.tobytes(), 1), np.uint8)
        shape = np.array(array.shape, np.int64)
        save_tensors(path, {"packed": packed, "shape": shape}, {"dtype": array.dtype.str, **words})

    def _load(self, path: Path) -> tuple[NDArray[np.generic], dict[str, str]]:
        tensors, words = load_tensors(path)
        shape, dtype = tuple(map(int, tensors["shape"])), np.dtype(words["dtype"])
        unpacked = unpack_within(prod(shape) * dtype.itemsize, {"id": "zlib"}, tensors["packed"].tobytes())
        return np.frombuffer(unpacked or b"", dtype).reshape(shape), words


@dataclass(frozen=True, slots=True)
class Seconds:
    """Time that a block took, on its worker.

    Parameters
    ----------
    network
        Reading and predicting.
    decoding
        From probabilities to objects on the image's grid.
    """

    network: float
    decoding: float


@dataclass(frozen=True, slots=True)
class BlockSegmenter:
    """Segmenter of the blocks of a plan, one at a time or several in threads.

    Parameters
    ----------
    predictor, view, settings
        What the objects are found with.
    plan
        The blocks.
    wants_uncertainty
        Whether a map of the uncertainty is made beside the objects.
    """

    predictor: Predictor
    view: ModelView
    settings: DecodeSettings
    plan: BlockPlan
    wants_uncertainty: bool = False

    def segment(self, number: int, cancel: CancelToken) -> tuple[BlockResult, Seconds]:
        """Return the objects of block `number`, and how long that took.

        Raises
        ------
        Cancelled
            Between two steps, when asked to stop.
        """
        started = perf_counter()
        # Before the network reads: should the image change in between, the block is known to be of another.
        pixels = self.view.volume.checksum(self.plan.grown(number))
        prediction = self.predictor.predict(self.view, self.plan.grown(number), cancel)
        predicted = perf_counter()
        cancel.raise_if_cancelled()
        labels, n_labels = self._decode(prediction, number)
        uncertainty = self._uncertainty(prediction, number) if self.wants_uncertainty else None
        result = BlockResult(labels, n_labels, uncertainty, pixels)
        return result, Seconds(predicted - started, perf_counter() - predicted)

    def _decode(self, prediction: Prediction, number: int) -> tuple[NDArray[np.uint32], int]:
        offsets = self.view.spec.offsets
        segments = decode(prediction.foreground, prediction.affinities, offsets, self.settings)
        labels = self.view.labels_to_image(segments, prediction.tile)
        return keep_reaching(labels, slices_inside(self.plan.core(number), prediction.tile))

    def _uncertainty(self, prediction: Prediction, number: int) -> NDArray[np.float16]:
        values = uncertainty_map(prediction, self.view.spec.n_attractive)
        on_image = self.view.map_to_image(values, prediction.tile)
        return on_image[slices_inside(self.plan.core(number), prediction.tile)].astype(np.float16)


def slices_inside(inner: Tile, outer: Tile) -> tuple[slice, ...]:
    """Return the slices that cut `inner` out of an array that holds `outer`."""
    return inner.shift([-a for a in outer.start]).slices


def keep_reaching(labels: NDArray[np.uint32], core: tuple[slice, ...]) -> tuple[NDArray[np.uint32], int]:
    """Remove the objects that do not reach into the core, number the others 1…, and count them.

    Another block is responsible for what lies in the halo only.
    """
    is_kept = np.zeros(int(labels.max(initial=0)) + 1, bool)
    is_kept[labels[core].ravel()] = True
    is_kept[0] = False
    numbers = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.uint32)
    return numbers[labels], int(is_kept.sum())


@dataclass(frozen=True, slots=True)
class Joiner:
    """Joins finished blocks into one segmentation; never more than two are in memory.

    Parameters
    ----------
    plan
        The blocks.
    finished
        All of them.
    report, cancel
        How the job talks to who asked for it.
    """

    plan: BlockPlan
    finished: FinishedBlocks
    report: Report
    cancel: CancelToken

    def relabel(self) -> Relabelling:
        """Find which objects of different blocks are one.

        Raises
        ------
        Cancelled
            Between two blocks, when asked to stop.
        """
        n_labels, matches = [], []
        for number in self._steps("joining objects across blocks"):
            block = self.finished.labels(number)
            n_labels.append(block.n_labels)
            for neighbour, slab in self.plan.faces(number):
                here = block.labels[slices_inside(slab, self.plan.grown(number))]
                other = self.finished.labels(neighbour).labels
                there = other[slices_inside(slab, self.plan.grown(neighbour))]
                matches.append(Match(number, neighbour, match_faces(here, there)))
        return Relabelling.build(n_labels, matches)

    def write_labels(self, sink: LabelSink, relabelling: Relabelling) -> None:
        """Write the objects of all blocks; it may be done again as often as one likes."""
        for number in self._steps("writing the objects"):
            inside = slices_inside(self.plan.core(number), self.plan.grown(number))
            labels = self.finished.labels(number).labels[inside]
            sink.write(self._place(number), relabelling.apply(number, labels))

    def write_uncertainty(self, sink: LabelSink) -> None:
        """Write the uncertainty of all blocks."""
        for number in self._steps("writing the uncertainty"):
            sink.write(self._place(number), self.finished.uncertainty(number))

    def _place(self, number: int) -> Tile:
        return self.plan.core(number).shift([-a for a in self.plan.region.start])

    def _steps(self, message: str) -> Iterator[int]:
        for number in range(len(self.plan)):
            self.cancel.raise_if_cancelled()
            self.report(Progress(number, len(self.plan), message))
            yield number
