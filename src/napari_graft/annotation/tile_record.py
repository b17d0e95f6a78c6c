"""What lies on the disk for one annotated tile: a record of it, and its labels as a TIFF file."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from pydantic import Field, model_validator

from napari_graft.annotation.labelled_tile import Role
from napari_graft.core.errors import DamagedFileError
from napari_graft.core.tile import Tile
from napari_graft.sources.document import Document

# Whatever the foreign reader raises on foreign bytes.
_DAMAGE = (OSError, ValueError, TypeError, LookupError, RuntimeError, MemoryError, struct.error, zlib.error)


class TileRecord(Document):
    """Record of the labels in the TIFF file of the same number, which does not count without it.

    Parameters
    ----------
    start, shape
        The tile, at full resolution.
    complete, round, role
        As in `LabelledTile`.
    order
        How many tiles were accepted before this one; it stays when the tile is painted anew.
    sha256
        Checksum of the TIFF file.
    """

    start: tuple[int, ...]
    shape: tuple[int, ...]
    complete: bool
    round: int = Field(ge=0)
    role: Role
    order: int = Field(ge=0)
    sha256: str

    @model_validator(mode="after")
    def _check(self) -> TileRecord:
        Tile(self.start, self.shape)
        return self

    @property
    def tile(self) -> Tile:
        """The tile."""
        return Tile(self.start, self.shape)


def encode_labels(labels: NDArray[np.uint32]) -> bytes:
    """Return labels as the bytes of a TIFF file."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, labels, compression="zlib", photometric="minisblack")
    return buffer.getvalue()


def decode_labels(data: bytes, shape: tuple[int, ...], path: Path) -> NDArray[np.uint32]:
    """Return the labels in the bytes of the TIFF file at `path`.

    Raises
    ------
    DamagedFileError
        If they hold anything but uint32 of this shape.
    """
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            series = file.series[0]
            if series.dtype != np.uint32 or tuple(series.shape) != shape:
                raise ValueError(f"it holds {series.dtype} of shape {series.shape} and not uint32 of {shape}")
            return np.asarray(series.asarray(), np.uint32).reshape(shape)
    except _DAMAGE as error:
        raise DamagedFileError(
            f"labels {str(path)!r} are damaged: {error}; restore them from a backup"
        ) from None
