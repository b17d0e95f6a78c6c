"""Write a result block by block, survive being killed, and publish it when it is whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io.atomic import publish_file, storage_errors, sync_folder, write_text
from napari_graft.io.marks import is_our_tiff, is_our_zarr, marked
from napari_graft.io.ngff import write_multiscales
from napari_graft.io.ome_tiff import write_ome_tiff
from napari_graft.io.outputs import Outputs
from napari_graft.io.staging import Staging

if TYPE_CHECKING:
    import zarr

TIFF_SUFFIXES = (".tif", ".tiff")
ZARR_SUFFIX = ".zarr"
BLOCKS = "blocks"
"""Folder of the finished blocks, beside the unfinished image."""
_IMAGE, _REPLACED, _REQUEST = "image.zarr", "replaced.zarr", "request.sha256"
_UNFINISHED = (_IMAGE, _REPLACED, BLOCKS, _REQUEST)
_LARGEST_CHUNK = {
    (True, 2): (512, 512),
    (False, 2): (512, 512),
    (True, 3): (4, 512, 512),  # a TIFF file is written slice by slice
    (False, 3): (128, 128, 128),
}


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """Say where a result belongs, and what may make way for it.

    Parameters
    ----------
    block
        Usual shape of a box; chunks are no larger, so that a box touches few of them.
    origin
        First pixel of the result in the image that it is a part of; None for the first of the image.
    outputs
        What may be written where.
    request
        What the result depends on, in a few characters; what is unfinished of another request is forgotten.
        None where whoever writes knows.
    """

    block: Sequence[int] | None = None
    origin: Sequence[int] | None = None
    outputs: Outputs = field(default_factory=Outputs)
    request: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LabelSink:
    """Take a label image, or a map of real numbers, in boxes of any order, each as often as one likes.

    What was written is in a folder beside the result until `finish`; opening the same sink again goes on with
    it. Boxes may be written and read from several threads.

    Parameters
    ----------
    path
        The result, made by `finish`.
    axes
        Names and physical size of the axes.
    is_resumed
        Whether boxes from an earlier, unfinished run may be in it.
    options
        See `SinkOptions`.
    """

    path: Path
    axes: Axes
    is_resumed: bool
    _array: zarr.Array[Any]
    _staging: Staging
    options: SinkOptions = field(default_factory=SinkOptions)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""
        return tuple(self._array.shape)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of a pixel."""
        return np.dtype(self._array.dtype)

    @property
    def staging(self) -> Path:
        """Folder that holds the unfinished result."""
        return self._staging.folder

    def write(self, tile: Tile, array: NDArray[np.generic]) -> None:
        """Store the pixels of a box inside the image.

        Raises
        ------
        StorageError
            If they cannot be written, for example because the disk is full; what was written before is kept.
        """
        if array.shape != tile.shape:
            raise InputError(f"an array of shape {array.shape} does not fill the tile of shape {tile.shape}")
        # a chunk that two boxes share is read, changed and written
        with self._lock, storage_errors(self.path):
            self._array[self._inside(tile).slices] = array.astype(self.dtype, copy=False)

    def read(self, tile: Tile) -> NDArray[np.generic]:
        """Return the pixels of a box inside the image, 0 where nothing was written."""
        return np.asarray(self._array[self._inside(tile).slices])

    def finish(self) -> Path:
        """Make the result from what was written, replace an older one, and remove the staging folder.

        Raises
        ------
        InputError
            If something else was put in its place meanwhile.
        StorageError
            If it cannot be written; the staging folder is kept, so that `finish` can be called again.
        """
        check_result(self.path, self.options.outputs)
        with storage_errors(self.path):
            if self.path.suffix.lower() == ZARR_SUFFIX:
                self._publish_folder()
            else:
                self._publish_tiff()
            self._staging.close(*_UNFINISHED)
        return self.path

    def discard(self) -> None:
        """Forget what was written."""
        with storage_errors(self.path):
            self._staging.close(*_UNFINISHED)

    def release(self) -> None:
        """Let another process go on; more than once, and after `finish`, does no harm."""
        self._staging.release()

    def _inside(self, tile: Tile) -> Tile:
        if tile.clip(self.shape).shape != tile.shape:
            raise InputError(
                f"tile {tile.start} to {tile.stop} reaches outside the image of shape {self.shape}"
            )
        return tile

    def _publish_tiff(self) -> None:
        temporary = self.staging / self.path.name
        try:
            write_ome_tiff(temporary, self.read, self.shape, self.dtype, self.axes, self.options.origin)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        publish_file(temporary, self.path)

    def _publish_folder(self) -> None:
        # The last that is written: what is newer was changed by another program, see `is_our_zarr`.
        os.utime(self.staging / _IMAGE / "zarr.json")
        if self.path.exists():
            self._staging.remove(_REPLACED)
            self.path.rename(self.staging / _REPLACED)
        (self.staging / _IMAGE).rename(self.path)
        sync_folder(self.path.parent)


def open_label_sink(
    path: str | PathLike[str],
    shape: Sequence[int],
    axes: Axes,
    dtype: DTypeLike = np.uint32,
    block: Sequence[int] | None = None,
    options: SinkOptions | None = None,
) -> LabelSink:
    """Open a sink for a ``.tif`` (OME-TIFF) or ``.zarr`` (OME-Zarr 0.5), or go on with an unfinished one.

    Parameters
    ----------
    shape
        Number of pixels along each axis of `axes`.
    dtype
        An unsigned integer type for labels, float32 for maps.
    block, options
        See `SinkOptions`; `block` wins.

    Raises
    ------
    InputError
        If the name has another ending, if what is there, whole or unfinished, is something else, or if
        another process is writing it.
    StorageError
        If nothing can be written there.
    """
    target, chosen = Path(path), options or SinkOptions()
    check_result(target, chosen.outputs)
    is_tiff = target.suffix.lower() in TIFF_SUFFIXES
    is_label = np.dtype(dtype).kind in "iu"
    attributes = marked(write_multiscales(axes, target.stem, is_label=is_label, origin=chosen.origin))
    largest = _LARGEST_CHUNK[is_tiff, len(shape)]
    chunk = tuple(map(min, shape, block or chosen.block or shape, largest))
    staging = Staging.claim(target)
    try:
        with storage_errors(target):
            _forget_other_request(staging, chosen.request)
            staged = staging.folder / _IMAGE
            array = _reopen(staged, tuple(shape), np.dtype(dtype), attributes)
            is_resumed = array is not None
            if array is None:
                staging.remove(*_UNFINISHED)
                array = _create(staged, tuple(shape), np.dtype(dtype), chunk, attributes)
            if chosen.request is not None:
                write_text(staging.folder / _REQUEST, chosen.request)
    except BaseException:
        staging.release()
        raise
    return LabelSink(target, axes, is_resumed, array, staging, chosen)


def check_result(path: Path, outputs: Outputs) -> None:
    """Refuse a file of a segmentation, or of a map, that may not be written.

    Raises
    ------
    InputError
        If the name has another ending, or something else is there; see `Outputs`.
    """
    suffix = path.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        outputs.check_file(path, is_our_tiff)
    elif suffix == ZARR_SUFFIX:
        outputs.check_zarr(path, is_our_zarr)
    else:
        raise InputError(
            f"cannot write {path}: let its name end in {' or '.join((*TIFF_SUFFIXES, ZARR_SUFFIX))}"
        )


def _forget_other_request(staging: Staging, request: str | None) -> None:
    record = staging.folder / _REQUEST
    if request is not None and not (record.is_file() and record.read_text() == request):
        staging.remove(*_UNFINISHED)


def _create(
    staged: Path,
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    chunk: tuple[int, ...],
    attributes: dict[str, object],
) -> zarr.Array[Any]:
    import zarr

    group = zarr.create_group(staged, zarr_format=3, attributes=attributes)
    names = "zyx"[-len(shape) :]
    return group.create_array(
        "0", shape=shape, dtype=dtype, chunks=chunk, fill_value=0, dimension_names=names
    )


def _reopen(
    staged: Path, shape: tuple[int, ...], dtype: np.dtype[np.generic], attributes: dict[str, object]
) -> zarr.Array[Any] | None:
    """Return the unfinished array, None where there is none or its making was interrupted."""
    import zarr

    if not (staged / "0" / "zarr.json").is_file():
        return None
    group = zarr.open_group(staged, mode="r+")
    array = group["0"]
    if not isinstance(array, zarr.Array):
        return None
    if array.shape != shape or array.dtype != dtype or group.attrs.asdict() != attributes:
        raise InputError(
            f"{staged.parent} holds an unfinished result of another image ({array.shape}, {array.dtype}; now "
            f"{shape}, {dtype}, or other pixels): delete that folder or choose another name"
        )
    return array
