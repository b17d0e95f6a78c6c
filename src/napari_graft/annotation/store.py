"""The annotated tiles of a project on disk: a record of each, and its labels as a TIFF file."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray
from pydantic import Field, model_validator

from napari_graft.annotation import pending
from napari_graft.annotation.labelled_tile import LabelledTile, Role, check_place, is_met, role_of
from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.tile import Tile
from napari_graft.io import atomic
from napari_graft.io.documents import DamageLog, Document, read_document, write_document
from napari_graft.io.regular_files import read_regular

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


MAX_LABELS_BYTES = 2**31
_NUMBER = re.compile("[1-9][0-9]{6,11}|[0-9]{6}")


class _Stored(NamedTuple):
    serial: int
    tile: Tile
    record: TileRecord


class AnnotationStore:
    """Store of labelled tiles in a folder, each a TIFF file and then a JSON file that makes it valid.

    A tile is stored when its JSON file is there: being killed at any moment leaves the tile as it was before
    or as it is after. Files that no longer count are passed over, and removed by the next write only, so that
    a reader in another process does not lose what it has just listed. There may be many readers beside one
    writer. Labels whose record was removed by others stay where they are: with the record, the tile is back.

    Parameters
    ----------
    folder
        Where the files are; it is made by the first write.
    writable
        Whether tiles may be written.
    bounds
        Shape of the image, where it is known.
    damage
        Told of damaged tiles, which are then left out and set aside; without it they are errors.
    """

    def __init__(
        self,
        folder: Path,
        *,
        writable: bool = True,
        bounds: tuple[int, ...] | None = None,
        damage: DamageLog | None = None,
    ) -> None:
        self._folder = folder
        self._writable = writable
        self._bounds = bounds
        self._damage = damage
        # Files of one number never change, so that each is looked at once.
        self._whole: set[int] = set()

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
        self._require_writable()
        listed, stored = self._listed(), self._stored()
        check_place(labelled_tile.tile, [s.tile for s in stored])
        # Of a tile whose labels were damaged the record is there still: painted anew, its role stays.
        listed = [s for s in listed if s in stored or not is_met(s.tile, labelled_tile.tile)]
        with atomic.storage_errors(self._folder):
            self._folder.mkdir(exist_ok=True)
            self._remove_all_but([*listed, *stored])
        before = next((s.record for s in listed if s.tile == labelled_tile.tile), None)
        order = before.order if before else max((s.record.order + 1 for s in listed), default=0)
        role = before.role if before else role_of(order)
        kept = LabelledTile(
            labelled_tile.tile, labelled_tile.labels, labelled_tile.complete, labelled_tile.round, role
        )
        self._write_files(self._next_serial(), kept, order)
        return kept

    def remove(self, tile: Tile) -> None:
        """Forget what was painted on a tile.

        Raises
        ------
        InputError
            If nothing was, or the store was opened for reading.
        StorageError
            If its files cannot be removed.
        """
        self._require_writable()
        listed = self._listed()
        found = next((s for s in listed if s.tile == tile), None)
        if found is None:
            raise InputError(f"the tile at {tile.start} of shape {tile.shape} is not annotated")
        with atomic.storage_errors(self._folder):
            # What it was before goes first, or it would come back.
            others = [s for s in (*listed, *self._stored()) if s.tile != tile]
            self._remove_all_but([found, *others])
            pending.forget(self._record_path(found.serial))
            atomic.sync_folder(self._folder)

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
            if self._is_replaced(found):
                return self.read(tile)
            raise self._missing(found) from None

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
        """Return the tiles that count, in the order in which they were first accepted."""
        damage = self._damage
        if damage is None:
            return self._listed()
        pending.tell_of_lost_records(self._folder, damage, may_note=self._writable)
        stored = []
        for records in self._records().values():
            for one in reversed(records):
                try:
                    self._check_labels(one)
                    stored.append(one)
                    break  # else what the tile was before counts, where that is there still
                except FileNotFoundError:
                    if self._is_replaced(one):
                        return self._stored()
                    damage.tell(str(self._missing(one)))
                except DamagedFileError as error:
                    damage.set_aside(error, self._labels_path(one.serial))
        return sorted(stored, key=_order)

    def _check_labels(self, stored: _Stored) -> None:
        if stored.serial not in self._whole:
            self._labels_of(stored)
            self._whole.add(stored.serial)

    def _listed(self) -> list[_Stored]:
        """Return the newest record of each tile."""
        return sorted((records[-1] for records in self._records().values()), key=_order)

    def _records(self) -> dict[Tile, list[_Stored]]:
        """Return the records of each tile, the newest last."""
        found: dict[Tile, list[_Stored]] = {}
        for path in sorted(self._folder.glob("*.json")):
            if not _NUMBER.fullmatch(path.stem):
                continue
            try:
                stored = self._read_record(path)
            except DamagedFileError as error:
                if self._damage is None:
                    raise
                self._damage.set_aside(error, path, path.with_suffix(".tif"))
                continue
            except InputError:
                if not path.exists():  # replaced by the writer since it was listed
                    return self._records()
                raise
            found.setdefault(stored.tile, []).append(stored)
        return found

    def _read_record(self, path: Path) -> _Stored:
        record = read_document(TileRecord, path, "annotation")
        tile = record.tile
        if self._bounds is not None and not tile.is_inside(self._bounds):
            raise DamagedFileError(
                f"annotation {str(path)!r} is of the tile at {tile.start} of shape {tile.shape}, "
                f"which is not inside the image of shape {self._bounds}"
            )
        return _Stored(int(path.stem), tile, record)

    def _is_replaced(self, stored: _Stored) -> bool:
        """Say whether the writer has removed a record, and then its labels, since it was listed."""
        return not self._record_path(stored.serial).exists()

    def _missing(self, stored: _Stored) -> InputError:
        return InputError(
            f"labels {str(self._labels_path(stored.serial))!r} are missing: "
            f"restore them from a backup, or annotate the tile at {stored.tile.start} again"
        )

    def _require_writable(self) -> None:
        if not self._writable:
            raise InputError(
                f"annotations {str(self._folder)!r} are open for reading: open the project for writing"
            )

    def _next_serial(self) -> int:
        """Return the number behind all that are in the folder, those of files that were set aside as well."""
        found = (_NUMBER.match(path.name) for path in self._folder.iterdir())
        return max((int(number[0]) + 1 for number in found if number is not None), default=0)

    def _write_files(self, serial: int, labelled_tile: LabelledTile, order: int) -> None:
        data = encode_labels(labelled_tile.labels)
        record = TileRecord(
            start=labelled_tile.tile.start,
            shape=labelled_tile.tile.shape,
            complete=labelled_tile.complete,
            round=labelled_tile.round,
            role=labelled_tile.role,
            order=order,
            sha256=hashlib.sha256(data).hexdigest(),
        )
        path = self._labels_path(serial)
        pending.begin(path)
        atomic.write_bytes(path, data)
        write_document(self._record_path(serial), record)
        pending.end(path)

    def _read_files(self, stored: _Stored) -> LabelledTile:
        path, record = self._labels_path(stored.serial), stored.record
        labels = decode_labels(self._labels_of(stored), record.shape, path)
        return LabelledTile(stored.tile, labels, record.complete, record.round, record.role)

    def _labels_of(self, stored: _Stored) -> bytes:
        path = self._labels_path(stored.serial)
        try:
            data = read_regular(path, limit=MAX_LABELS_BYTES)
        except DamagedFileError as error:
            raise DamagedFileError(f"labels {error}") from None
        if hashlib.sha256(data).hexdigest() != stored.record.sha256:
            raise DamagedFileError(
                f"labels {str(path)!r} are damaged or were changed outside napari-graft: restore them from a "
                f"backup, or annotate the tile at {stored.tile.start} again"
            )
        return data

    def _labels_path(self, serial: int) -> Path:
        return self._folder / f"{serial:06d}.tif"

    def _record_path(self, serial: int) -> Path:
        return self._labels_path(serial).with_suffix(".json")

    def _remove_all_but(self, stored: list[_Stored]) -> None:
        kept = {s.serial for s in stored}
        pending.finish(self._folder)
        for path in self._folder.glob("*.json"):
            if _NUMBER.fullmatch(path.stem) and int(path.stem) not in kept:
                pending.forget(path)
        for path in self._folder.glob(f".*{atomic.TEMPORARY_SUFFIX}"):
            pending.remove(path)


def _order(stored: _Stored) -> int:
    return stored.record.order
