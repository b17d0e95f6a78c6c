"""Write a result block by block, survive being killed, and publish it when it is whole."""

from __future__ import annotations

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
from napari_graft.io.atomic import publish_file, storage_errors, write_text
from napari_graft.io.axis_names import (
    SingleAxes,
    add_to_multiscales,
    fit_to_ngff,
    fit_to_tiff,
    insert_letters,
    insert_ones,
)
from napari_graft.io.ngff import write_multiscales
from napari_graft.io.writers.file_kinds import TIFF, is_our_zarr, marked
from napari_graft.io.writers.ome_tiff import PlaceInFile, write_ome_tiff
from napari_graft.io.writers.outputs import Outputs
from napari_graft.io.writers.staging import REPLACED, Staging, create_array, publish_folder, reopen_array

if TYPE_CHECKING:
    import zarr


TIFF_SUFFIXES = (".tif", ".tiff")
ZARR_SUFFIX = ".zarr"
BLOCKS = "blocks"
"""Folder of the finished blocks, beside the unfinished image."""
_IMAGE, _REQUEST = "image.zarr", "request.sha256"
_UNFINISHED = (_IMAGE, REPLACED, BLOCKS, _REQUEST)
_LARGEST_CHUNK = {
    (True, 2): (512, 512),
    (False, 2): (512, 512),
    (True, 3): (4, 512, 512),  # a TIFF file is written slice by slice
    (False, 3): (128, 128, 128),
}


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """Options of a label sink: where a result belongs, and what may make way for it.

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
    single_axes
        Axes of one pixel that the image has in its file and that the result gets, where its format can.
    """

    block: Sequence[int] | None = None
    origin: Sequence[int] | None = None
    outputs: Outputs = field(default_factory=Outputs)
    request: str | None = None
    single_axes: SingleAxes = ()


@dataclass(frozen=True, slots=True, eq=False)
class LabelSink:
    """Writer of a label image, or a map of real numbers, by boxes in any order, each as often as one likes.

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
    single_axes
        Axes of one pixel that are in the file and not in `shape`.
    options
        See `SinkOptions`.
    """

    path: Path
    axes: Axes
    is_resumed: bool
    _array: zarr.Array[Any]
    _staging: Staging
    single_axes: SingleAxes = ()
    options: SinkOptions = field(default_factory=SinkOptions)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""
        left_out = [position for position, _ in self.single_axes]
        return tuple(n for axis, n in enumerate(self._array.shape) if axis not in left_out)

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
            stored = array.reshape(insert_ones(tile.shape, self.single_axes))
            self._array[self._stored(tile)] = stored.astype(self.dtype, copy=False)

    def read(self, tile: Tile) -> NDArray[np.generic]:
        """Return the pixels of a box inside the image, 0 where nothing was written."""
        return np.asarray(self._array[self._stored(tile)]).reshape(tile.shape)

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
                publish_folder(self._staging, _IMAGE, self.path)
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

    def _stored(self, tile: Tile) -> tuple[slice, ...]:
        """Return where a tile is in the array, which has the axes of one pixel as well."""
        if tile.clip(self.shape).shape != tile.shape:
            raise InputError(
                f"tile {tile.start} to {tile.stop} reaches outside the image of shape {self.shape}"
            )
        key = list(tile.slices)
        for position, _ in self.single_axes:
            key.insert(position, slice(0, 1))
        return tuple(key)

    def _publish_tiff(self) -> None:
        temporary = self.staging / self.path.name
        try:
            write_ome_tiff(temporary, self.read, self.shape, self.dtype, self.axes, self._place)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        publish_file(temporary, self.path)

    @property
    def _place(self) -> PlaceInFile:
        return PlaceInFile(self.options.origin, self.single_axes)


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
    fit = fit_to_tiff if is_tiff else fit_to_ngff
    singles = fit(axes.names, chosen.single_axes)
    attributes = add_to_multiscales(attributes, singles)
    largest = _LARGEST_CHUNK[is_tiff, len(shape)]
    chunk = insert_ones(tuple(map(min, shape, block or chosen.block or shape, largest)), singles)
    stored_shape, names = insert_ones(shape, singles), insert_letters(axes.names, singles)
    staging = Staging.claim(target)
    try:
        with storage_errors(target):
            _forget_other_request(staging, chosen.request)
            staged = staging.folder / _IMAGE
            array = reopen_array(staged, stored_shape, np.dtype(dtype), attributes)
            is_resumed = array is not None
            if array is None:
                staging.remove(*_UNFINISHED)
                array = create_array(staged, names, (stored_shape, chunk), np.dtype(dtype), attributes)
            if chosen.request is not None:
                write_text(staging.folder / _REQUEST, chosen.request)
    except BaseException:
        staging.release()
        raise
    return LabelSink(target, axes, is_resumed, array, staging, singles, chosen)


def check_result(path: Path, outputs: Outputs) -> None:
    """Refuse a file of a segmentation, or of a map, that may not be written.

    Raises
    ------
    InputError
        If the name has another ending, or something else is there; see `Outputs`.
    """
    suffix = path.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        outputs.check_file(path, TIFF)
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
