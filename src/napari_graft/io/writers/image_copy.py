"""Copy an image without a file of its own into an OME-Zarr folder, and compare two images block by block."""

from __future__ import annotations

import shutil
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io.atomic import storage_errors, sync_tree
from napari_graft.io.ngff import write_multiscales
from napari_graft.io.volume import Volume

if TYPE_CHECKING:
    import zarr


BLOCK_BYTES = 64 * 2**20
LARGEST_CHUNK = {2: (512, 512), 3: (16, 256, 256)}
"""A tile to paint on is one slice thick, so a chunk is flatter than it is wide."""


def copy_image(volume: Volume, folder: Path, *, report: Report, cancel: CancelToken) -> None:
    """Write a volume, colours and all, as OME-Zarr 0.5, and wait until it is on the disk.

    No more than a block of about `BLOCK_BYTES` is in memory. Where the copy fails or is cancelled, nothing of
    it is left.

    Parameters
    ----------
    volume
        What is to be copied.
    folder
        The OME-Zarr to be made; it must not exist.

    Raises
    ------
    InputError
        If the folder exists, or pixels cannot be read.
    StorageError
        If it cannot be written, for example because the disk is full.
    Cancelled
        When asked to stop.
    """
    if folder.exists():
        raise InputError(f"{str(folder)!r} exists already: choose another name")
    try:
        with storage_errors(folder):
            array = _create(volume, folder)
        blocks = block_grid(volume)
        for i, block in enumerate(blocks):
            cancel.raise_if_cancelled()
            report(Progress(i, len(blocks), "copying the image"))
            _copy_block(volume, array, block, folder)
        with storage_errors(folder):
            sync_tree(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    report(Progress(len(blocks), len(blocks), "copying the image"))


def block_grid(volume: Volume) -> TileGrid:
    """Return blocks of whole chunks that cover a volume, wide before they are deep.

    Whole slices come at once where they fit: a stack that is read slice by slice is then read once.
    """
    shape = volume.shape
    block = list(map(min, LARGEST_CHUNK[len(shape)], shape))
    n_bytes = volume.dtype.itemsize * _n_channels(volume)
    for axis in reversed(range(len(shape))):
        chunk = block[axis]
        longest = BLOCK_BYTES * chunk // (n_bytes * prod(block))
        block[axis] = shape[axis] if longest >= shape[axis] else max(longest // chunk, 1) * chunk
    return TileGrid(shape, tuple(block))


def _create(volume: Volume, folder: Path) -> zarr.Array[Any]:
    import zarr

    has_channels = volume.channel_axis is not None
    attributes = write_multiscales(volume.axes, folder.stem, is_label=False, has_channels=has_channels)
    group = zarr.create_group(folder, zarr_format=3, attributes=attributes)
    channels = (_n_channels(volume),) if has_channels else ()
    return group.create_array(
        "0",
        shape=channels + volume.shape,
        dtype=volume.dtype.newbyteorder("="),
        chunks=channels + tuple(map(min, LARGEST_CHUNK[len(volume.shape)], volume.shape)),
        fill_value=0,
        dimension_names=("c",) * has_channels + volume.axes.names,
    )


def _copy_block(volume: Volume, array: zarr.Array[Any], block: Tile, folder: Path) -> None:
    pixels = volume.read_raw(block)
    with storage_errors(folder):
        if volume.channel_axis is None:
            array[block.slices] = pixels
        else:  # OME-Zarr wants the channels before the space
            array[(slice(None), *block.slices)] = np.moveaxis(pixels, -1, 0)


def _n_channels(volume: Volume) -> int:
    return 1 if volume.channel_axis is None else int(volume.data.shape[volume.channel_axis])


def have_same_pixels(first: Volume, second: Volume, *, report: Report, cancel: CancelToken) -> bool:
    """Say whether two images are the same, pixel by pixel; what is stored in another byte order is the same.

    It ends at the first block that differs. No more than two blocks are in memory.

    Raises
    ------
    InputError
        If pixels cannot be read.
    Cancelled
        When asked to stop.
    """
    if _form(first) != _form(second):
        return False
    blocks = block_grid(first)
    for i, block in enumerate(blocks):
        cancel.raise_if_cancelled()
        report(Progress(i, len(blocks), "comparing the layer with the file"))
        one, other = first.read_raw(block), second.read_raw(block)
        if not np.array_equal(one, other, equal_nan=np.issubdtype(one.dtype, np.inexact)):
            return False
    return True


def _form(volume: Volume) -> tuple[object, ...]:
    n_channels = None if volume.channel_axis is None else volume.data.shape[volume.channel_axis]
    return volume.shape, n_channels, np.dtype(volume.dtype).newbyteorder("=")
