"""Which blocks of a finished result cannot be read any more: each carries a checksum of its own."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io.opening import open_volume
from napari_graft.io.pixel_record import MOST_BYTES
from napari_graft.io.volume import Volume

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
