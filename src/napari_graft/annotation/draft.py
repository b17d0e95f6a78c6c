"""What is being painted on a tile that is not accepted yet, kept stroke by stroke."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from napari_graft.annotation.draft_record import DraftState, is_damaged, pack, unpack
from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.tile import Tile
from napari_graft.io import atomic
from napari_graft.io.documents import DamageLog, Document, document_bytes, parse_document
from napari_graft.io.regular_files import create_regular, open_regular, read_regular

SUFFIX = ".draft"
MAX_DRAFT_BYTES = 2**30
_LONGEST_HEADER = 1024

_log = logging.getLogger(__name__)


class DraftHeader(Document):
    """Header of a draft, the first line of its file: which tile it belongs to.

    Parameters
    ----------
    start, shape
        The tile, at full resolution.
    """

    start: tuple[int, ...]
    shape: tuple[int, ...]

    @model_validator(mode="after")
    def _check(self) -> DraftHeader:
        Tile(self.start, self.shape)
        return self

    @property
    def tile(self) -> Tile:
        """The tile."""
        return Tile(self.start, self.shape)


class DraftJournal:
    """Journal of the states of a tile, so that being killed loses nothing that was appended.

    Only what changed since the last state is written, behind a checksum; a record that was cut off by a kill
    or a power cut is passed over, and removed by the next append. Of a damaged file a copy is set aside, and
    the states before the damage count. It may be used from several threads.

    Parameters
    ----------
    path
        The file; it, and its folder, need not exist yet.
    tile
        Where in the image.
    writable
        Whether states may be appended.
    damage
        Told of damage; without it a damaged header is an error.
    """

    def __init__(
        self, path: Path, tile: Tile, *, writable: bool = True, damage: DamageLog | None = None
    ) -> None:
        self.path = path
        self.tile = tile
        self._writable = writable
        self._damage = damage
        self._lock = threading.Lock()
        self._state: DraftState | None = None
        self._end = 0  # of the last whole record

    def append(self, labels: NDArray[np.uint32], begun: NDArray[np.uint32] | None = None) -> bool:
        """Add a state and wait until it is on the disk; say whether anything had changed.

        Parameters
        ----------
        labels, begun
            (*tile.shape) uint32, see `DraftState`; where `begun` is None, what was noted before holds.

        Raises
        ------
        InputError
            If the labels do not fit the tile, the draft was opened for reading, or its file is that of
            another tile or of a newer version.
        StorageError
            If it cannot be written, for example because the disk is full; the earlier states stay.
        """
        self._check(labels)
        with self._lock, atomic.storage_errors(self.path):
            self._catch_up()
            record = pack(self._state, DraftState(labels, begun))
            if record is None:
                return False
            if self._end == 0:
                record = self._header() + record
            self._write(record)
            self._end += len(record)
            if begun is None and self._state is not None:
                begun = self._state.begun
            self._state = DraftState(labels.copy(), None if begun is None else begun.copy())
        return True

    def restore(self) -> NDArray[np.uint32] | None:
        """Return the labels that `read` finds, None where it finds none."""
        state = self.read()
        return None if state is None else state.labels

    def read(self) -> DraftState | None:
        """Return the last state that was written wholly, None where there is none.

        Raises
        ------
        InputError
            If the file is that of another tile or of a newer version, or cannot be read.
        """
        with self._lock:
            try:
                self._replay()
            except OSError as error:
                raise InputError(
                    f"draft {str(self.path)!r} cannot be read: {error.strerror or error}"
                ) from None
            state = self._state
            return None if state is None else DraftState(state.labels.copy(), state.begun)

    def states(self) -> Iterator[tuple[NDArray[np.uint32], bool]]:
        """Yield the labels of all states, the first one first, and whether the tile was begun anew with each.

        What a model had put there before the first one comes before it. Errors as for `read`.
        """
        with self._lock:
            try:
                data = _read(self.path)
            except FileNotFoundError:
                return
            except OSError as error:
                raise InputError(
                    f"draft {str(self.path)!r} cannot be read: {error.strerror or error}"
                ) from None
        if (header := header_in(data, self.path)) is None or header.tile != self.tile:
            return
        before, end = None, data.index(b"\n") + 1
        while (found := unpack(data, end, before, self.tile.shape)) is not None:
            state, end = found
            is_anew = before is None or state.begun is not before.begun
            if before is None and state.begun is not None:
                yield state.begun.copy(), True
                is_anew = False
            yield state.labels.copy(), is_anew
            before = state

    def discard(self) -> None:
        """Forget all states; the next one starts a new file.

        Raises
        ------
        InputError
            If the draft was opened for reading.
        StorageError
            If the file cannot be removed.
        """
        self._require_writable()
        with self._lock, atomic.storage_errors(self.path):
            self._state, self._end = None, 0
            if os.path.lexists(self.path):
                self.path.unlink()
                atomic.sync_folder(self.path.parent)

    def _check(self, labels: NDArray[np.uint32]) -> None:
        self._require_writable()
        if labels.dtype != np.uint32 or labels.shape != self.tile.shape:
            raise InputError(
                f"labels of {labels.dtype} and shape {labels.shape} do not fit the tile at {self.tile.start} "
                f"of shape {self.tile.shape}: give one uint32 for each pixel"
            )

    def _require_writable(self) -> None:
        if not self._writable:
            raise InputError(f"draft {str(self.path)!r} is open for reading: open the project for writing")

    def _header(self) -> bytes:
        return document_bytes(DraftHeader(start=self.tile.start, shape=self.tile.shape)) + b"\n"

    def _catch_up(self) -> None:
        """Read the file anew where it is not what was last written here."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size != self._end:
            self._replay()

    def _replay(self) -> None:
        self._state, self._end = None, 0
        try:
            self._use(_read(self.path))
        except FileNotFoundError:
            return
        except DamagedFileError as error:
            if self._damage is None:
                raise
            self._damage.set_aside(error, self.path)

    def _use(self, data: bytes) -> None:
        header = header_in(data, self.path)
        if header is None:
            return
        if header.tile != self.tile:
            raise DamagedFileError(
                f"draft {str(self.path)!r} belongs to the tile at {header.start} of shape {header.shape}, "
                f"not to that at {self.tile.start} of shape {self.tile.shape}: move it out of the folder"
            )
        self._end = data.index(b"\n") + 1
        while (found := unpack(data, self._end, self._state, self.tile.shape)) is not None:
            self._state, self._end = found
        if self._damage is not None and is_damaged(data[self._end :]):
            self._keep_copy(self._damage, data)

    def _keep_copy(self, damage: DamageLog, data: bytes) -> None:
        """Set a copy of a file aside whose last states are damaged; what goes before them stays in use."""
        error = DamagedFileError(
            f"draft {str(self.path)!r} is damaged: what was painted last on the tile at {self.tile.start} is "
            "lost; look at the tile, and paint that again"
        )
        if not self._writable:
            damage.tell(str(error))
            return
        damage.set_aside(error, self.path)
        atomic.write_bytes(self.path, data[: self._end])

    def _write(self, record: bytes) -> None:
        """Cut off what follows the last whole record, then add `record`, wholly or not at all."""
        is_new = not os.path.lexists(self.path)
        if is_new:
            self.path.parent.mkdir(exist_ok=True)
            atomic.sync_folder(self.path.parent.parent)
            create_regular(self.path)
        with open_regular(self.path, limit=MAX_DRAFT_BYTES, write=True) as file:
            atomic.append_at(file, self._end, record)
        if is_new:
            atomic.sync_folder(self.path.parent)


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, limit=MAX_DRAFT_BYTES)
    except DamagedFileError as error:
        raise DamagedFileError(f"draft {error}") from None


def header_in(data: bytes, path: Path) -> DraftHeader | None:
    """Return the header at the beginning of a draft, None where nothing was kept before a kill.

    Raises
    ------
    DamagedFileError
        If it is damaged.
    InputError
        If it is of a newer version.
    """
    line, feed, _ = data.partition(b"\n")
    if feed:
        return parse_document(DraftHeader, line, f"draft {str(path)!r}")
    written = data.rstrip(b"\0")  # a power cut can leave zeros
    if b"}" in written[:-1] or len(written) > _LONGEST_HEADER:  # it is whole, but for its line feed
        raise DamagedFileError(f"draft {str(path)!r} is damaged: it has no header; restore it from a backup")
    return None


def draft_name(tile: Tile) -> str:
    """Return the name of a tile's file.

    >>> draft_name(Tile((3, 0, 512), (1, 256, 256)))
    '3-0-512_1x256x256.draft'
    """
    return "-".join(map(str, tile.start)) + "_" + "x".join(map(str, tile.shape)) + SUFFIX


def _check_place(tile: Tile, path: Path, bounds: tuple[int, ...] | None) -> None:
    where = f"draft {str(path)!r} is of the tile at {tile.start} of shape {tile.shape}"
    if bounds is not None and not tile.is_inside(bounds):
        raise DamagedFileError(f"{where}, which is not inside the image of shape {bounds}")
    if draft_name(tile) != path.name:
        raise DamagedFileError(f"{where}: call it {draft_name(tile)!r} again")


def drafts_in(
    folder: Path, *, bounds: tuple[int, ...] | None = None, damage: DamageLog | None = None
) -> list[Tile]:
    """Return the tiles that have a draft in a folder, by position; one that cannot be used is logged.

    Parameters
    ----------
    bounds
        Shape of the image that the tiles lie in, where it is known.
    damage
        Told of damaged drafts, which it sets aside.
    """
    tiles = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            header = header_in(_read(path), path)
            if header is None:
                continue
            _check_place(header.tile, path, bounds)
            if DraftJournal(path, header.tile, writable=False, damage=damage).restore() is not None:
                tiles.append(header.tile)
        except (InputError, OSError) as error:
            if damage is not None and isinstance(error, DamagedFileError):
                damage.set_aside(error, path)
            else:
                _log.warning("left out: %s", error)
    return sorted(tiles, key=lambda tile: (tile.start, tile.shape))
