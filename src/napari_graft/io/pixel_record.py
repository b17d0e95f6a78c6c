"""Which pixels of an image a result was made of, and whether the image holds them still."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Literal

from pydantic import BaseModel, ConfigDict

from napari_graft.core.checksum import checksum_of
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io.image_files import image_stamp
from napari_graft.io.volume import Volume

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
