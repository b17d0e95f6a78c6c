"""The finished blocks of a segmentation on disk, from which a killed run goes on."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.io import atomic
from napari_graft.io.readers.unpacking import unpack_within
from napari_graft.io.sink import BLOCKS
from napari_graft.io.weights import load_tensors, save_tensors

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
