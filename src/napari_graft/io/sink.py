"""Write a result block by block, survive being killed, and publish it when it is whole."""

from __future__ import annotations

import shutil
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
from napari_graft.io.atomic import publish_file, storage_errors, sync_folder
from napari_graft.io.ngff import write_multiscales
from napari_graft.io.ome_tiff import write_ome_tiff

if TYPE_CHECKING:
    import zarr

STAGING_SUFFIX = ".partial"
TIFF_SUFFIXES = (".tif", ".tiff")
ZARR_SUFFIX = ".zarr"
_STAGED_IMAGE = "image.zarr"
_LARGEST_CHUNK = {
    (True, 2): (512, 512),
    (False, 2): (512, 512),
    (True, 3): (4, 512, 512),  # a TIFF file is written slice by slice
    (False, 3): (128, 128, 128),
}


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
    """

    path: Path
    axes: Axes
    is_resumed: bool
    _array: zarr.Array[Any]
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
        return self.path.with_name(self.path.name + STAGING_SUFFIX)

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
        StorageError
            If it cannot be written; the staging folder is kept, so that `finish` can be called again.
        """
        with storage_errors(self.path):
            if self.path.suffix.lower() == ZARR_SUFFIX:
                self._publish_folder()
            else:
                self._publish_tiff()
            shutil.rmtree(self.staging)
        return self.path

    def discard(self) -> None:
        """Forget what was written."""
        with storage_errors(self.path):
            shutil.rmtree(self.staging, ignore_errors=True)

    def _inside(self, tile: Tile) -> Tile:
        if tile.clip(self.shape).shape != tile.shape:
            raise InputError(
                f"tile {tile.start} to {tile.stop} reaches outside the image of shape {self.shape}"
            )
        return tile

    def _publish_tiff(self) -> None:
        temporary = self.staging / self.path.name
        try:
            write_ome_tiff(temporary, self.read, self.shape, self.dtype, self.axes)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        publish_file(temporary, self.path)

    def _publish_folder(self) -> None:
        if self.path.exists():
            self.path.rename(self.staging / "replaced.zarr")
        (self.staging / _STAGED_IMAGE).rename(self.path)
        sync_folder(self.path.parent)


def open_label_sink(
    path: str | PathLike[str],
    shape: Sequence[int],
    axes: Axes,
    dtype: DTypeLike = np.uint32,
    block: Sequence[int] | None = None,
) -> LabelSink:
    """Open a sink for a ``.tif`` (OME-TIFF) or ``.zarr`` (OME-Zarr 0.5), or go on with an unfinished one.

    Parameters
    ----------
    shape
        Number of pixels along each axis of `axes`.
    dtype
        An unsigned integer type for labels, float32 for maps.
    block
        Usual shape of a box; chunks are no larger, so that a box touches few of them.

    Raises
    ------
    InputError
        If the name has another ending, or what is there, whole or unfinished, is something else.
    StorageError
        If nothing can be written there.
    """
    target = Path(path)
    is_tiff = target.suffix.lower() in TIFF_SUFFIXES
    _refuse_target(target, is_tiff)
    staged = target.with_name(target.name + STAGING_SUFFIX) / _STAGED_IMAGE
    attributes = write_multiscales(axes, target.stem, is_label=np.dtype(dtype).kind in "iu")
    chunk = tuple(map(min, shape, block or shape, _LARGEST_CHUNK[is_tiff, len(shape)]))
    with storage_errors(target):
        array = _reopen(staged, tuple(shape), np.dtype(dtype), attributes)
        if array is not None:
            return LabelSink(target, axes, True, array)
        shutil.rmtree(staged.parent, ignore_errors=True)
        staged.parent.mkdir(parents=True)
        return LabelSink(
            target, axes, False, _create(staged, tuple(shape), np.dtype(dtype), chunk, attributes)
        )


def _refuse_target(target: Path, is_tiff: bool) -> None:
    if not is_tiff and target.suffix.lower() != ZARR_SUFFIX:
        raise InputError(
            f"cannot write {target}: let its name end in {' or '.join((*TIFF_SUFFIXES, ZARR_SUFFIX))}"
        )
    if not target.exists():
        return
    is_zarr = any((target / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray"))
    if target.is_dir() if is_tiff else not is_zarr:
        kind = "folder" if target.is_dir() else "file"
        raise InputError(f"{target} is a {kind} that holds something else: choose another name")


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
