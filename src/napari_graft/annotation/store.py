"""The annotated tiles of a project on disk."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray
from pydantic import Field

from napari_graft.annotation.holdout import role_of
from napari_graft.annotation.labelled_tile import LabelledTile, Role
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import atomic
from napari_graft.sources.document import Document, read_document, write_document

_DAMAGE = (OSError, ValueError, TypeError, LookupError, RuntimeError, MemoryError, struct.error, zlib.error)


class TileRecord(Document):
    """Say what lies beside it in the TIFF file of the same number; without it that file does not count.

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


class _Stored(NamedTuple):
    serial: int
    tile: Tile
    record: TileRecord


class AnnotationStore:
    """Keep labelled tiles in a folder, each as a TIFF file and then a JSON file that makes it valid.

    A tile is stored when its JSON file is there: being killed at any moment leaves the tile as it was before
    or as it is after. Files that no longer count are passed over, and removed by the next write only, so that
    a reader in another process does not lose what it has just listed. There may be many readers beside one
    writer.

    Parameters
    ----------
    folder
        Where the files are; it is made by the first write.
    writable
        Whether tiles may be written.
    """

    def __init__(self, folder: Path, *, writable: bool = True) -> None:
        self._folder = folder
        self._writable = writable

    def write(self, labelled_tile: LabelledTile) -> LabelledTile:
        """Store a tile, in place of what was painted on the same tile before, and return it with its role.

        The role of a tile painted anew stays; that of a new tile follows from how many there are.

        Raises
        ------
        InputError
            If it overlaps another tile, lies partly at negative positions or has other axes than they have;
            or if the store was opened for reading.
        StorageError
            If the disk is full; the tile is then as it was before.
        """
        if not self._writable:
            raise InputError(
                f"annotations {str(self._folder)!r} are open for reading: open the project for writing"
            )
        stored = self._stored()
        self._check_place(labelled_tile.tile, stored)
        with atomic.storage_errors(self._folder):
            self._folder.mkdir(exist_ok=True)
            self._remove_all_but(stored)
        before = next((s.record for s in stored if s.tile == labelled_tile.tile), None)
        order = before.order if before else max((s.record.order + 1 for s in stored), default=0)
        role = before.role if before else role_of(order)
        kept = LabelledTile(
            labelled_tile.tile, labelled_tile.labels, labelled_tile.complete, labelled_tile.round, role
        )
        serial = max((s.serial + 1 for s in stored), default=0)
        self._write_files(serial, kept, order)
        return kept

    def read(self, tile: Tile) -> LabelledTile:
        """Read what was painted on a tile.

        Raises
        ------
        InputError
            If nothing was, or a file is missing or damaged.
        """
        found = next((s for s in self._stored() if s.tile == tile), None)
        if found is None:
            raise InputError(f"the tile at {tile.start} of shape {tile.shape} is not annotated: annotate it")
        try:
            return self._read_files(found)
        except FileNotFoundError:
            # Since it was listed, the writer may have replaced the tile and removed the old labels.
            latest = next((s for s in self._stored() if s.tile == tile), found)
            if latest.serial != found.serial:
                return self.read(tile)
            raise InputError(
                f"labels {str(self._labels_path(found.serial))!r} are missing: "
                f"restore them from a backup, or annotate the tile at {tile.start} again"
            ) from None

    def tiles(self) -> list[Tile]:
        """Return the annotated tiles in the order in which they were first accepted."""
        return [stored.tile for stored in self._stored()]

    def labelled_tiles(self) -> list[LabelledTile]:
        """Read all annotated tiles, in the order in which they were first accepted."""
        stored = self._stored()
        try:
            return [self._read_files(one) for one in stored]
        except FileNotFoundError:  # a tile was replaced, or its labels are missing: `read` knows which
            return [self.read(one.tile) for one in stored]

    def checksum(self) -> str:
        """Return what changes whenever a tile is added or painted anew."""
        records = [stored.record.model_dump_json() for stored in self._stored()]
        return hashlib.sha256("\n".join(records).encode()).hexdigest()

    def _stored(self) -> list[_Stored]:
        latest: dict[Tile, _Stored] = {}
        for path in sorted(self._folder.glob("*.json")):
            if not path.stem.isdecimal():
                continue
            try:
                record = read_document(TileRecord, path, "annotation")
            except InputError:
                if not path.exists():  # replaced by the writer since it was listed
                    return self._stored()
                raise
            stored = _Stored(int(path.stem), Tile(record.start, record.shape), record)
            latest[stored.tile] = stored
        return sorted(latest.values(), key=lambda stored: stored.record.order)

    def _check_place(self, tile: Tile, stored: list[_Stored]) -> None:
        if min(tile.start) < 0 or tile.level != 0:
            raise InputError(
                f"the tile at {tile.start} of level {tile.level} cannot be annotated: "
                "annotate at full resolution, inside the image"
            )
        for other in (s.tile for s in stored):
            if other.ndim != tile.ndim:
                raise InputError(
                    f"the tile at {tile.start} has {tile.ndim} axes where the annotated ones have "
                    f"{other.ndim}: annotate tiles of this image"
                )
            if other != tile and other.overlaps(tile):
                raise InputError(
                    f"the tile at {tile.start} of shape {tile.shape} overlaps the annotated one at "
                    f"{other.start} of shape {other.shape}: paint that one anew, or choose another place"
                )

    def _write_files(self, serial: int, labelled_tile: LabelledTile, order: int) -> None:
        data = _encode(labelled_tile.labels)
        record = TileRecord(
            start=labelled_tile.tile.start,
            shape=labelled_tile.tile.shape,
            complete=labelled_tile.complete,
            round=labelled_tile.round,
            role=labelled_tile.role,
            order=order,
            sha256=hashlib.sha256(data).hexdigest(),
        )
        atomic.write_bytes(self._labels_path(serial), data)
        write_document(self._labels_path(serial).with_suffix(".json"), record)

    def _read_files(self, stored: _Stored) -> LabelledTile:
        path, record = self._labels_path(stored.serial), stored.record
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != record.sha256:
            raise InputError(
                f"labels {str(path)!r} are damaged or were changed outside napari-graft: "
                "restore them from a backup"
            )
        labels = _decode(data, record.shape, path)
        return LabelledTile(stored.tile, labels, record.complete, record.round, record.role)

    def _labels_path(self, serial: int) -> Path:
        return self._folder / f"{serial:06d}.tif"

    def _remove_all_but(self, stored: list[_Stored]) -> None:
        kept = {s.serial for s in stored}
        # JSON files first: a TIFF file without one counts for nothing, the reverse would be a damaged tile.
        for pattern in ("*.json", "*.tif"):
            for path in self._folder.glob(pattern):
                if path.stem.isdecimal() and int(path.stem) not in kept:
                    path.unlink()
        for path in self._folder.glob(f".*{atomic.TEMPORARY_SUFFIX}"):
            path.unlink()


def _encode(labels: NDArray[np.uint32]) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, labels, compression="zlib", photometric="minisblack")
    return buffer.getvalue()


def _decode(data: bytes, shape: tuple[int, ...], path: Path) -> NDArray[np.uint32]:
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            series = file.series[0]
            if series.dtype != np.uint32 or tuple(series.shape) != shape:
                raise ValueError(f"it holds {series.dtype} of shape {series.shape} and not uint32 of {shape}")
            return np.asarray(series.asarray(), np.uint32).reshape(shape)
    except _DAMAGE as error:
        raise InputError(f"labels {str(path)!r} are damaged: {error}; restore them from a backup") from None
