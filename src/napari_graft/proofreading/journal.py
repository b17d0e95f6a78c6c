"""The edits of a result on the disk: undo and redo without limit, and after a restart."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.progress import CancelToken, Report, ignore_progress
from napari_graft.io import atomic
from napari_graft.io.documents import DamageLog, Document, document_bytes, parse_document
from napari_graft.io.integrity import PixelRecord, compare_pixels, record_pixels
from napari_graft.io.records import HEAD_BYTES, is_cut_off, pack_record, read_record
from napari_graft.io.regular_files import create_regular, open_regular
from napari_graft.io.volume import Volume
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.edit_record import BEGINNING, DONE, REDONE, UNDONE, pack, unpack

EDITS_SUFFIX = ".edits"
_MOST_BYTES = 2**40
_LONGEST_HEADER = 2**14


class EditJournalHeader(Document):
    """Header of a journal of edits, the first line of its file: the labels that they begin with.

    Parameters
    ----------
    result
        The pixels of the result.
    """

    result: PixelRecord


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where the record of an edit starts in the file, and the name of its tool."""

    start: int
    tool: str


class EditJournal:
    """Journal of the edits of one result, so that being killed loses nothing that was told to be there.

    It is append-only: an undo is a record of its own, and an edit after it hides those that were undone. Each
    record is on the disk before a call returns. Only the places of the edits are kept in memory. What a kill
    cut off is dropped, with a note, and goes with the next record; of a damaged file a copy is set aside, and
    the edits before the damage count. It may be used from several threads, and by one process at a time.

    Parameters
    ----------
    path
        The file; it need not exist yet, its folder must.
    result
        What `record_pixels` found, for the header of a new file.
    writable
        Whether edits may be added.
    damage
        Told of what was lost.
    """

    def __init__(
        self, path: Path, result: PixelRecord, *, writable: bool = True, damage: DamageLog | None = None
    ) -> None:
        self.path = path
        self._result = result
        self._writable = writable
        self._damage = damage or DamageLog(writable=writable)
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self._n_done = 0
        self._end = 0
        self._load()

    @classmethod
    def open(
        cls,
        path: Path,
        result: Volume,
        *,
        writable: bool = True,
        damage: DamageLog | None = None,
        report: Report = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> EditJournal:
        """Open the journal of a result, or begin one.

        The pixels of the result are read where the journal is new, or a file of the result was written, or
        is another, since then.

        Raises
        ------
        InputError
            If it is the journal of another result, or of a newer version.
        Cancelled
            When asked to stop.
        """
        cancel = cancel or CancelToken()
        known = journal_header(path)
        if known is None:
            known = EditJournalHeader(result=record_pixels(result, report, cancel))
        elif compare_pixels(known.result, result, report, cancel) == "changed":
            raise InputError(
                f"the edits in {str(path)!r} belong to another result than {result.name!r}: restore that "
                "result, or move the file of the edits away to begin anew"
            )
        return cls(path, known.result, writable=writable, damage=damage)

    @property
    def n_done(self) -> int:
        """Number of edits that hold, each of which can be undone."""
        return self._n_done

    @property
    def n_undone(self) -> int:
        """Number of edits that can be done again."""
        return len(self._entries) - self._n_done

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the tools of the edits that hold, the first one first."""
        return tuple(entry.tool for entry in self._entries[: self._n_done])

    @property
    def undo_tool(self) -> str | None:
        """Name of the tool whose edit is undone next, None where there is none."""
        return self._entries[self._n_done - 1].tool if self._n_done else None

    @property
    def redo_tool(self) -> str | None:
        """Name of the tool whose edit is done again next, None where there is none."""
        return self._entries[self._n_done].tool if self.n_undone else None

    def append(self, edit: Edit) -> None:
        """Add an edit that was done, and wait until it is on the disk; one that changes nothing is left out.

        Those that were undone cannot be done again after it.

        Raises
        ------
        InputError
            If the journal was opened for reading.
        StorageError
            If it cannot be written, for example because the disk is full; the earlier edits stay.
        """
        if edit.n_pixels == 0:
            return
        with self._lock:
            start = self._write(pack(edit))
            self._entries[self._n_done :] = [_Entry(start, edit.tool)]
            self._n_done += 1

    def undo(self) -> Edit | None:
        """Note that the last edit is undone; return what undoes it, None where there is none.

        Raises
        ------
        InputError, StorageError
            As for `append`.
        DamagedFileError
            If the edit cannot be read any more.
        """
        with self._lock:
            if not self._n_done:
                return None
            edit = self._read(self._entries[self._n_done - 1])
            self._write(UNDONE)
            self._n_done -= 1
            return edit.inverse()

    def redo(self) -> Edit | None:
        """Note that the edit that was undone last is done again; return it, None where there is none.

        Errors as for `undo`.
        """
        with self._lock:
            if not self.n_undone:
                return None
            edit = self._read(self._entries[self._n_done])
            self._write(REDONE)
            self._n_done += 1
            return edit

    def edits(self) -> Iterator[Edit]:
        """Yield the edits that hold, the first one first, one at a time from the disk."""
        for entry in self._entries[: self._n_done]:
            yield self._read(entry)

    def replay(self, labels: NDArray[np.integer]) -> None:
        """Do all edits that hold on the labels of the result, in place.

        Raises
        ------
        InputError
            If they are not the labels of the result.
        """
        for edit in self.edits():
            edit.apply(labels)

    def _write(self, body: bytes) -> int:
        """Add a record, and return where it starts."""
        if not self._writable:
            raise InputError(f"edits {str(self.path)!r} are open for reading: open the project for writing")
        with atomic.storage_errors(self.path):
            if self._end == 0:
                self._begin()
            start = self._end
            record = pack_record(body)
            with open_regular(self.path, limit=_MOST_BYTES, write=True) as file:
                atomic.append_at(file, start, record)
            self._end += len(record)
        return start

    def _begin(self) -> None:
        header = document_bytes(EditJournalHeader(result=self._result)) + b"\n"
        if not os.path.lexists(self.path):
            create_regular(self.path)
        with open_regular(self.path, limit=_MOST_BYTES, write=True) as file:
            atomic.append_at(file, 0, header)
        atomic.sync_folder(self.path.parent)
        self._end = len(header)

    def _read(self, entry: _Entry) -> Edit:
        with open_regular(self.path, limit=_MOST_BYTES) as file:
            body = _body_at(file, entry.start)
        edit = None if body is None else unpack(body)
        if edit is None:
            raise DamagedFileError(
                f"edits {str(self.path)!r} are damaged at byte {entry.start}: restore them from a backup"
            )
        return edit

    def _load(self) -> None:
        try:
            if journal_header(self.path) is None:
                return
            with open_regular(self.path, limit=_MOST_BYTES) as file:
                self._end = len(_first_line(file))
                while (body := _body_at(file, self._end)) is not None and self._take(body):
                    self._end += HEAD_BYTES + len(body)
                file.seek(self._end)
                tail = file.readall()
        except FileNotFoundError:
            return
        if tail:
            self._tell_of(tail)

    def _take(self, body: bytes) -> bool:
        """Count a record; say whether it is one of ours."""
        kind = body[:1]
        if kind == DONE and (edit := unpack(body)) is not None:
            self._entries[self._n_done :] = [_Entry(self._end, edit.tool)]
            self._n_done += 1
        elif kind == UNDONE and self._n_done:
            self._n_done -= 1
        elif kind == REDONE and self.n_undone:
            self._n_done += 1
        else:
            return False
        return True

    def _tell_of(self, tail: bytes) -> None:
        """Tell what was lost behind the last whole record; a copy of a damaged file is set aside."""
        if is_cut_off(tail, BEGINNING):
            self._damage.tell(
                f"edits {str(self.path)!r}: the last one was not on the disk yet when the program ended, and "
                "is not done"
            )
            return
        error = DamagedFileError(
            f"edits {str(self.path)!r} are damaged: those after the first {len(self._entries)} are lost; "
            "look at the objects that you changed last"
        )
        if not self._writable:
            self._damage.tell(str(error))
            return
        with open_regular(self.path, limit=_MOST_BYTES) as file:
            whole = file.read(self._end)
        self._damage.set_aside(error, self.path)
        atomic.write_bytes(self.path, whole)


def journal_header(path: Path) -> EditJournalHeader | None:
    """Return the header of a journal, None where there is none: not begun, or killed before it was whole.

    Raises
    ------
    DamagedFileError
        If it is damaged.
    InputError
        If it is of a newer version, or the file cannot be read.
    """
    try:
        with open_regular(path, limit=_MOST_BYTES) as file:
            line = _first_line(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"edits {str(path)!r} cannot be read: {error.strerror or error}") from None
    if line.endswith(b"\n"):
        return parse_document(EditJournalHeader, line[:-1], f"edits {str(path)!r}")
    if len(line) == _LONGEST_HEADER or b"}\0" in line:
        raise DamagedFileError(f"edits {str(path)!r} are damaged: they have no header; restore a backup")
    return None


def _first_line(file: FileIO) -> bytes:
    file.seek(0)
    head = file.read(_LONGEST_HEADER)
    return head[: head.find(b"\n") + 1] or head


def _body_at(file: FileIO, start: int) -> bytes | None:
    """Return the body of the record at `start` of a file, None where it is not whole."""
    file.seek(start)
    head = file.read(HEAD_BYTES)
    length = int.from_bytes(head[:4], "little")
    if start + HEAD_BYTES + length > os.fstat(file.fileno()).st_size:
        return None
    found = read_record(head + file.read(length))
    return None if found is None else found[0]
