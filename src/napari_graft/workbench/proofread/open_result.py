"""A result that is corrected: its objects in memory, the journal of its edits, and what is locked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.io.documents import DamageLog
from napari_graft.project.image_file import to_stored_path
from napari_graft.project.project import Project
from napari_graft.project.results import Result, WrittenResult
from napari_graft.project.review import Review, ReviewEntry, ReviewState, ReviewStore, review_name
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.journal import EditJournal
from napari_graft.proofreading.object_map import ObjectMap

LARGEST = 1 << 29
"""Pixels of a result that is held in memory, 2 GiB."""


@dataclass(frozen=True, slots=True)
class ResultChoice:
    """A result that can be proofread.

    Parameters
    ----------
    name
        Of what is kept of it in the project; see `ReviewStore`.
    title
        As the user reads it.
    file
        Where it is.
    region
        The box of the image that it covers.
    run
        Id of the run that made it, None where that is not known.
    """

    name: str
    title: str
    file: Path
    region: Tile
    run: str | None


def choice_of_round(result: Result, title: str, shape: Sequence[int]) -> ResultChoice:
    """Return the segmentation of a round in an image of a shape, to be chosen."""
    region, run = result.record.region, result.record.run
    part = "" if region.shape == tuple(shape) else ", a part of the image"
    return ResultChoice(f"round-{run}", f"{title}{part}", result.labels, region, run)


def choice_of_file(
    file: Path, shape: Sequence[int], written: Sequence[WrittenResult], folder: Path
) -> ResultChoice:
    """Return the segmentation in a file, to be chosen; `written` are those known to the project."""
    place = file.parent.resolve() / file.name
    run = next((one.run for one in written if one.file(folder) == place), None)
    name = review_name(file, to_stored_path(str(file), folder))
    return ResultChoice(name, file.name, file, Tile((0,) * len(shape), tuple(shape)), run)


class OpenResult:
    """A result under correction.

    An edit is done on the labels, brought to the disk, and taken back where that fails. What changes it is
    called by one thread at a time; others may read the labels meanwhile, to show them.

    Parameters
    ----------
    choice
        Which one.
    objects
        Its objects, with all edits of the journal.
    journal
        Its edits.
    store
        Keeps what is locked and what was looked at.
    damage
        Told of damaged files.
    """

    def __init__(
        self,
        choice: ResultChoice,
        objects: ObjectMap,
        journal: EditJournal,
        store: ReviewStore,
        damage: DamageLog,
    ) -> None:
        self.choice = choice
        self.objects = objects
        self.journal = journal
        self._store = store
        self.review = store.read(damage)
        self.notes = damage.notes
        """What was lost of it, in words."""
        objects.locked.update(self.review.locked)
        self._lock = threading.Lock()

    def do(self, edit: Edit) -> Edit:
        """Do an edit, and wait until it is in the journal.

        Raises
        ------
        InputError
            If the labels are not those that it was made on.
        StorageError
            If it cannot be stored; the labels are as before then.
        """
        with self._lock:
            self.objects.apply(edit)
            try:
                self.journal.append(edit)
            except BaseException:
                self.objects.apply(edit.inverse())
                raise
        return edit

    def undo(self) -> Edit | None:
        """Take the last edit back; return what did that, None where there is none. Errors as for `do`."""
        return self._go(self.journal.undo)

    def redo(self) -> Edit | None:
        """Do the edit again that was undone last; return it, None where there is none. Errors as for `do`."""
        return self._go(self.journal.redo)

    def _go(self, step: Callable[[], Edit | None]) -> Edit | None:
        with self._lock:
            edit = step()
            if edit is not None:
                self.objects.apply(edit)
        return edit

    def toggle_lock(self, object_id: int) -> bool:
        """Lock an object, or unlock it; say whether it is locked now.

        Raises
        ------
        StorageError
            If it cannot be stored; nothing has changed then.
        """
        with self._lock:
            locked = self.objects.locked ^ {object_id}
            self._keep(self.review.model_copy(update={"locked": tuple(sorted(locked))}))
            self.objects.locked = locked
        return object_id in locked

    def put_entries(self, entries: Sequence[ReviewEntry]) -> None:
        """Replace what is to be looked at; errors as for `toggle_lock`."""
        with self._lock:
            self._keep(self.review.model_copy(update={"entries": tuple(entries)}))

    def mark(self, places: Sequence[int], state: ReviewState) -> None:
        """Note what became of entries, by their place in the list; errors as for `toggle_lock`."""
        with self._lock:
            entries = list(self.review.entries)
            for place in places:
                entries[place] = entries[place].model_copy(update={"state": state})
            if tuple(entries) != self.review.entries:
                self._keep(self.review.model_copy(update={"entries": tuple(entries)}))

    def _keep(self, review: Review) -> None:
        self._store.make_folder()
        self._store.write(review)
        self.review = review


def open_result(project: Project, choice: ResultChoice, report: Report, cancel: CancelToken) -> OpenResult:
    """Read a result and do all edits of its journal; takes too long for the thread of the window.

    Raises
    ------
    InputError
        If the result is too large or cannot be read, or the edits are of another one.
    Cancelled
        When asked to stop.
    """
    volume = open_labels(choice.file)
    if prod(volume.shape) > LARGEST:
        raise InputError(
            f"{choice.title} has {prod(volume.shape):,} pixels, and {LARGEST:,} at most are proofread at "
            "once: segment a part of the image"
        )
    if volume.shape != choice.region.shape:
        raise InputError(
            f"{choice.title} has the shape {volume.shape} and not {choice.region.shape}: segment again"
        )
    store = ReviewStore(project.folder, choice.name)
    store.make_folder()
    damage = DamageLog(writable=True)
    journal = EditJournal.open(store.edits, volume, damage=damage, report=report, cancel=cancel)
    labels = _read(volume, report, cancel)
    report(Progress(0, None, "doing the edits again"))
    journal.replay(labels)
    return OpenResult(choice, ObjectMap(labels), journal, store, damage)


_READ_AT_ONCE = 1 << 24


def _read(volume: Volume, report: Report, cancel: CancelToken) -> np.ndarray:
    """Read all labels, a few planes or rows at a time, as uint32."""
    labels = np.empty(volume.shape, np.uint32)
    step = max(1, _READ_AT_ONCE // prod(volume.shape[1:]))
    for first in range(0, len(labels), step):
        cancel.raise_if_cancelled()
        report(Progress(first, len(labels), "reading the objects"))
        n = min(step, len(labels) - first)
        box = Tile((first, *(0,) * (labels.ndim - 1)), (n, *labels.shape[1:]))
        labels[box.slices] = volume.read_raw(box)
    return labels
