"""Integrity of images and results: their files, the pixels a result was made of, and damaged blocks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.strings import checksum_of
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io.opening import open_volume
from napari_graft.io.regular_files import split_location
from napari_graft.io.volume import Volume

_HDF5 = (".h5", ".hdf5", ".hdf", ".he5")
_TIFF = (".tif", ".tiff")
_NAMED_IN_OME = re.compile(r'FileName="([^"]+)"')


def files_of_image(path: str) -> list[Path]:
    """Return the file or folder of an image, and the other files that it refers to.

    These are the other files of a multi-file OME-TIFF, and those that an HDF5 file links to.

    Parameters
    ----------
    path
        As for `open_volume`.
    """
    first = Path(split_location(path)[0]).expanduser()
    suffix = first.suffix.lower()
    others: Iterator[str] = iter(())
    if first.is_file() and suffix in _TIFF:
        others = iter(_named_in_ome(first))
    elif first.is_file() and suffix in _HDF5:
        others = iter(_linked_in_hdf5(first))
    beside = (first.parent / name for name in others)
    return [first, *dict.fromkeys(one for one in beside if one != first and one.is_file())]


def image_stamp(path: str) -> str:
    """Return a checksum of when the files of an image were last written, by the clock of the file system.

    No pixel is read. Chunks behind links count as well. Copies have another stamp; programs that set back
    the date of a file do not hide that they changed it, except on Windows.
    """
    seen = []
    for one in files_of_image(path):
        for file in sorted(_files_in(one)):
            with suppress(OSError):
                found = os.stat(file)
                seen.append([file, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino])
    return checksum_of(seen)


def _files_in(path: Path) -> Iterator[str]:
    if not path.is_dir():
        yield str(path)
    seen = set()
    for folder, folders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder that it lies in
            folders.clear()
            continue
        seen.add(real)
        yield from (os.path.join(folder, name) for name in names)


def _named_in_ome(path: Path) -> list[str]:
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            return _NAMED_IN_OME.findall(tif.ome_metadata or "")
    except Exception:  # foreign bytes: who opens the image tells what is wrong with it
        return []


def _linked_in_hdf5(path: Path) -> list[str]:
    import h5py

    found: list[str] = []

    def look(name: str, link: object) -> None:
        if isinstance(link, h5py.ExternalLink):
            found.append(link.filename)

    def look_into(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found.extend(source.file_name for source in (item.virtual_sources() if item.is_virtual else ()))
            found.extend(str(name) for name, _, _ in item.external or ())

    try:
        with h5py.File(path, "r") as file:
            file.visititems_links(look)
            file.visititems(look_into)
    except Exception:  # foreign bytes: who opens the image tells what is wrong with it
        return []
    return found


Sameness = Literal["same", "changed", "perhaps changed"]

MOST_BYTES = 4 << 30
"""What is read at most to find out whether pixels are the same; it takes some ten seconds."""


class PixelRecord(BaseModel):
    """Record of the pixels that a result was made of.

    Parameters
    ----------
    stamp
        That of the image's files, see `image_stamp`: while it is the same, no pixel needs to be read.
    start, shape
        The box of the image that the result covers.
    block, halo
        Shape of the blocks that it was made in, and the pixels around each that count as well.
    checksum
        Of the checksums of the blocks, see `Volume.checksum`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    stamp: str
    start: tuple[int, ...]
    shape: tuple[int, ...]
    block: tuple[int, ...]
    halo: tuple[int, ...]
    checksum: str

    def boxes(self, bounds: tuple[int, ...]) -> Iterator[Tile]:
        """Yield what was read for each block, in an image of shape `bounds`."""
        for core in TileGrid(self.shape, self.block):
            yield core.shift(self.start).grow(self.halo).clip(bounds)


def checksum_of_blocks(checksums: Sequence[str | None]) -> str:
    """Return the checksum of an image of blocks, in the order of `TileGrid`."""
    return checksum_of(list(checksums))


_RECORDED_BLOCK = 256
"""Longest side of the blocks that an image is read in to record it."""


def record_pixels(volume: Volume, report: Report, cancel: CancelToken) -> PixelRecord:
    """Return the record of all pixels of an image, which are read once, block by block.

    Raises
    ------
    InputError
        If pixels cannot be read.
    Cancelled
        When asked to stop.
    """
    stamp = "" if volume.path is None else image_stamp(volume.path)
    block = tuple(min(n, _RECORDED_BLOCK) for n in volume.shape)
    origin = (0,) * len(block)
    boxes = list(TileGrid(volume.shape, block))
    checksums = []
    for n_read, box in enumerate(boxes):
        cancel.raise_if_cancelled()
        report(Progress(n_read, len(boxes), "reading the image to know it again"))
        checksums.append(volume.checksum(box))
    checksum = checksum_of_blocks(checksums)
    return PixelRecord(
        stamp=stamp, start=origin, shape=volume.shape, block=block, halo=origin, checksum=checksum
    )


def compare_pixels(record: PixelRecord, volume: Volume, report: Report, cancel: CancelToken) -> Sameness:
    """Say whether an image holds the pixels that a result was made of.

    Pixels are read only where a file of the image was written, or is another, since then. Where these are
    more than `MOST_BYTES`, nobody waits for that.

    Raises
    ------
    InputError
        If pixels cannot be read.
    Cancelled
        When asked to stop.
    """
    if volume.path is not None and image_stamp(volume.path) == record.stamp:
        return "same"
    if not _fits(record, volume):
        return "changed"
    if prod(record.shape) * volume.dtype.itemsize > MOST_BYTES:
        return "perhaps changed"
    boxes = list(record.boxes(volume.shape))
    now = []
    for n_read, box in enumerate(boxes):
        cancel.raise_if_cancelled()
        report(Progress(n_read, len(boxes), "looking whether the image is the same"))
        now.append(volume.checksum(box))
    return "same" if checksum_of_blocks(now) == record.checksum else "changed"


def _fits(record: PixelRecord, volume: Volume) -> bool:
    try:
        return Tile(record.start, record.shape).is_inside(volume.shape)
    except InputError:
        return False


_LONGEST = 512
"""Of a block of a TIFF file, whose own tiles are smaller."""


def damaged_blocks(path: Path, report: Report, cancel: CancelToken) -> list[Tile]:
    """Return the boxes of a result of ours that are damaged or missing on the disk.

    Every block is read once: zlib in a TIFF file and zstd in an OME-Zarr verify their checksums. Of a file
    with more than `MOST_BYTES` as many blocks are read, spread evenly over it; a block whose file is missing
    is found in any case. One that is damaged beyond these gives an error once it is read.

    Raises
    ------
    InputError
        If the file cannot be opened as an image at all.
    Cancelled
        When asked to stop.
    """
    volume = open_volume(path)
    blocks = _blocks(path, volume)
    step = _step(volume, [box for box, _ in blocks])
    found = []
    for n_seen, (box, file) in enumerate(blocks):
        cancel.raise_if_cancelled()
        report(Progress(n_seen, len(blocks), f"looking whether {path.name} is whole"))
        is_there = file is None or file.is_file()
        if not is_there or (n_seen % step == 0 and not _is_readable(volume, box)):
            found.append(box)
    return found


def _step(volume: Volume, boxes: Sequence[Tile]) -> int:
    """Return that every how manieth block is to be read, so that it is `MOST_BYTES` in all."""
    n_bytes = sum(prod(box.shape) for box in boxes) * volume.dtype.itemsize
    return max(1, -(-n_bytes // MOST_BYTES))


def _is_readable(volume: Volume, box: Tile) -> bool:
    try:
        volume.read_raw(box)
    except InputError:
        return False
    return True


def where(box: Tile, names: Sequence[str]) -> str:
    """Return the place of a box in words.

    >>> where(Tile((3, 0), (1, 8)), "yx")
    'y 3, x 0–7'
    """
    ranges = zip(names, box.start, box.stop, strict=True)
    return ", ".join(f"{name} {a}" if b == a + 1 else f"{name} {a}–{b - 1}" for name, a, b in ranges)


def _blocks(path: Path, volume: Volume) -> list[tuple[Tile, Path | None]]:
    """Return the blocks of a result, and for each the file that it must have, None where there is no such.

    A chunk without a file is read as background. Results of earlier versions lack such chunks rightly.
    """
    from napari_graft.io.readers.zarr_store import open_own_array

    if not path.is_dir():
        shape = tuple(min(n, _LONGEST) for n in volume.shape)
        return [(box, None) for box in TileGrid(volume.shape, shape)]
    array = open_own_array(path)
    has_all = any(getattr(codec, "checksum", False) for codec in array.compressors)
    left_out = [position for position, _ in volume.single_axes]
    found = []
    for box in TileGrid(array.shape, array.chunks):
        index = [str(a // n) for a, n in zip(box.start, array.chunks, strict=True)]
        file = (path / "0").joinpath("c", *index) if has_all else None
        kept = [axis for axis in range(box.ndim) if axis not in left_out]
        inner = Tile(tuple(box.start[axis] for axis in kept), tuple(box.shape[axis] for axis in kept))
        found.append((inner, file))
    return found
