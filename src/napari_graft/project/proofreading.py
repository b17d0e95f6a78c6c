"""What a project keeps of the proofreading of a result: edits, locked objects, and what was checked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.process import require_memory
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.core.strings import checksum_of
from napari_graft.core.tile import Tile
from napari_graft.io import atomic
from napari_graft.io.documents import DamageLog, Document, read_document, write_document
from napari_graft.io.volume import Volume
from napari_graft.project.folder import RESULTS
from napari_graft.project.image_file import to_stored_path
from napari_graft.proofreading.journal import EDITS_SUFFIX, EditJournal

Verdict = Literal["accepted", "fixed", "skipped"]


class CheckedSuspicion(BaseModel):
    """A suspicion that somebody has looked at, and what came of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    ids: tuple[int, ...]
    reason: str
    verdict: Verdict


class ProofreadingState(Document):
    """State of the proofreading of one result, but for the edits.

    Parameters
    ----------
    locked
        Ids of the objects that no tool changes.
    checked
        What was looked at, in that order.
    n_actions, seconds
        How many clicks and strokes were made, and for how long.
    """

    locked: tuple[int, ...] = ()
    checked: tuple[CheckedSuspicion, ...] = ()
    n_actions: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0, lt=float("inf"))


class UnfitEditsError(InputError):
    """Error: the edits that a project keeps are not of the result that is there now."""


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedLabels:
    """A result with all that was corrected of it.

    Parameters
    ----------
    labels
        (y, x) or (z, y, x) uint32, in memory.
    journal
        The edits that were done on them.
    """

    labels: NDArray[np.uint32]
    journal: EditJournal


class ProofreadingStore:
    """Store of the proofreading of one result in a project, in two files of its folder ``results``.

    Parameters
    ----------
    project
        The folder of the project.
    labels
        The result: one of the project, or a file anywhere.
    writable
        Whether anything may be written.
    damage
        Told of damaged files, which it sets aside.
    """

    def __init__(
        self, project: Path, labels: Path, *, writable: bool = True, damage: DamageLog | None = None
    ) -> None:
        name = f"{labels.stem}-{checksum_of(to_stored_path(str(labels), project))[:8]}"
        self._project = project
        self._writable = writable
        self._damage = damage or DamageLog(writable=writable)
        self.edits_path = project / RESULTS / f"{name}{EDITS_SUFFIX}"
        self.state_path = project / RESULTS / f"{name}.proofreading.json"

    def open_journal(
        self, result: Volume, report: Report = ignore_progress, cancel: CancelToken | None = None
    ) -> EditJournal:
        """Open the journal of the edits; errors as `EditJournal.open`.

        Parameters
        ----------
        result
            The labels as they are in the file.
        """
        if self._writable:
            self._make_folder()
        return EditJournal.open(
            self.edits_path,
            result,
            writable=self._writable,
            damage=self._damage,
            report=report,
            cancel=cancel,
        )

    def read_corrected(
        self, result: Volume, report: Report = ignore_progress, cancel: CancelToken | None = None
    ) -> CorrectedLabels:
        """Read a result into memory, and do all edits of its journal on it.

        Parameters
        ----------
        result
            The labels as they are in the file.

        Raises
        ------
        UnfitEditsError
            If the edits are of another result, as that which was there before.
        InputError
            If the result cannot be read, or the memory does not suffice.
        Cancelled
            When asked to stop.
        """
        labels = _read_whole(result, report, cancel or CancelToken())
        try:
            journal = self.open_journal(result, report, cancel)
            report(Progress(0, None, "doing the edits again"))
            journal.replay(labels)
        except InputError as error:
            raise UnfitEditsError(str(error)) from error
        return CorrectedLabels(labels, journal)

    def read_state(self) -> ProofreadingState:
        """Return the state that was written last, an empty one where there is none or it is damaged.

        Raises
        ------
        InputError
            If it is of a newer version, or cannot be read.
        """
        if not os.path.lexists(self.state_path):
            return ProofreadingState()
        try:
            return read_document(ProofreadingState, self.state_path, "state of the proofreading")
        except DamagedFileError as error:
            self._damage.set_aside(error, self.state_path)
            return ProofreadingState()

    def write_state(self, state: ProofreadingState) -> None:
        """Keep a state in place of the last one, and wait until it is on the disk.

        Raises
        ------
        StorageError
            If the disk is full.
        """
        self._make_folder()
        write_document(self.state_path, state)

    def begin_anew(self) -> None:
        """Rename both files, never over others: the result was replaced, and its edits fit no more.

        Raises
        ------
        StorageError
            If they cannot be renamed.
        """
        for path in (self.edits_path, self.state_path):
            with atomic.storage_errors(path):
                if os.path.lexists(path):
                    path.rename(_free_name(path))
                    atomic.sync_folder(path.parent)

    def _make_folder(self) -> None:
        folder = self._project / RESULTS
        with atomic.storage_errors(folder):
            folder.mkdir(exist_ok=True)


def _free_name(path: Path) -> Path:
    number = 1
    while os.path.lexists(target := path.with_name(f"{path.name}.old-{number}")):
        number += 1
    return target


_READ_AT_ONCE = 1 << 24
"""Pixels."""


def _read_whole(result: Volume, report: Report, cancel: CancelToken) -> NDArray[np.uint32]:
    """Read all labels, a few planes or rows at a time."""
    require_memory(4 * prod(result.shape), result.name)
    labels = np.empty(result.shape, np.uint32)
    step = max(1, _READ_AT_ONCE // prod(result.shape[1:]))
    for first in range(0, len(labels), step):
        cancel.raise_if_cancelled()
        report(Progress(first, len(labels), "reading the objects"))
        n = min(step, len(labels) - first)
        box = Tile((first, *(0,) * (labels.ndim - 1)), (n, *labels.shape[1:]))
        labels[box.slices] = result.read_raw(box)
    return labels
