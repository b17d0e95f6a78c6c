"""A result that is corrected: its objects in memory, the journal of its edits, and what is locked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.io.documents import DamageLog
from napari_graft.project.project import Project
from napari_graft.project.proofreading import CheckedSuspicion, ProofreadingStore, Verdict
from napari_graft.project.results import Result, WrittenResult
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.journal import EditJournal
from napari_graft.proofreading.object_map import ObjectMap

Looked = tuple[tuple[int, ...], str]
"""The objects of a suspicion, and its reason."""
LARGEST = 1 << 29
"""Pixels of a result that is held in memory, 2 GiB."""


@dataclass(frozen=True, slots=True)
class ResultChoice:
    """A result that can be proofread.

    Parameters
    ----------
    title
        As the user reads it.
    file
        Where it is.
    region
        The box of the image that it covers.
    run, source
        Id of the run that made it, or of the source that did so untouched; both None where that is not known.
    """

    title: str
    file: Path
    region: Tile
    run: str | None
    source: str | None = None

    @property
    def model(self) -> str | None:
        """Reference of the model that made it, None where that is not known."""
        return self.source if self.run is None else f"run {self.run}"

    @property
    def order(self) -> str | None:
        """Place among the rounds, that of a source before the first; None where that is not known."""
        return "" if self.run is None and self.source is not None else self.run


def choice_of_round(result: Result, title: str, shape: Sequence[int]) -> ResultChoice:
    """Return the segmentation of a round in an image of a shape, to be chosen."""
    region, run = result.record.region, result.record.run
    part = "" if region.shape == tuple(shape) else ", a part of the image"
    return ResultChoice(f"{title}{part}", result.labels, region, run)


def choice_of_file(
    file: Path, shape: Sequence[int], written: Sequence[WrittenResult], folder: Path
) -> ResultChoice:
    """Return the segmentation in a file, to be chosen; `written` are those known to the project."""
    place = file.parent.resolve() / file.name
    whole = Tile((0,) * len(shape), tuple(shape))
    known = next((one for one in written if one.file(folder) == place), None)
    if known is None:
        return ResultChoice(file.name, file, whole, None)
    return ResultChoice(file.name, file, whole, known.run, known.source)


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
        store: ProofreadingStore,
        damage: DamageLog,
    ) -> None:
        self.choice = choice
        self.objects = objects
        self.journal = journal
        self._store = store
        self._state = store.read_state()
        self.notes = damage.notes
        """What was lost of it, in words."""
        objects.locked.update(self._state.locked)
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Name of what the project keeps of it."""
        return self._store.edits_path.stem

    @property
    def checked(self) -> tuple[CheckedSuspicion, ...]:
        """What was looked at."""
        return self._state.checked

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
            self._keep(locked=tuple(sorted(locked)))
            self.objects.locked = locked
        return object_id in locked

    def lock(self, ids: Sequence[int]) -> None:
        """Lock objects; errors as for `toggle_lock`."""
        with self._lock:
            locked = self.objects.locked.union(ids)
            self._keep(locked=tuple(sorted(locked)))
            self.objects.locked = locked

    def note_verdicts(self, looked_at: Sequence[Looked], verdict: Verdict | None) -> None:
        """Note what became of suspicions, by their objects and their reason; None makes them open again.

        Errors as for `toggle_lock`.
        """
        with self._lock:
            others = [one for one in self._state.checked if (one.ids, one.reason) not in looked_at]
            new = (
                []
                if verdict is None
                else [CheckedSuspicion(ids=ids, reason=reason, verdict=verdict) for ids, reason in looked_at]
            )
            if (checked := (*others, *new)) != self._state.checked:
                self._keep(checked=checked)

    def note_actions(self, n_actions: int, seconds: float) -> None:
        """Add to what the proofreading took so far; errors as for `toggle_lock`."""
        with self._lock:
            self._keep(n_actions=self._state.n_actions + n_actions, seconds=self._state.seconds + seconds)

    def _keep(self, **changes: object) -> None:
        state = self._state.model_copy(update=changes)
        self._store.write_state(state)
        self._state = state


def open_result(project: Project, choice: ResultChoice, report: Report, cancel: CancelToken) -> OpenResult:
    """Read a result and do all edits of its journal; takes too long for the thread of the window.

    Raises
    ------
    InputError
        If the result is too large or cannot be read.
    UnfitEditsError
        If the edits are of another one, as that which was there before.
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
    damage = DamageLog(writable=True)
    store = ProofreadingStore(project.folder, choice.file, damage=damage)
    corrected = store.read_corrected(volume, report, cancel)
    return OpenResult(choice, ObjectMap(corrected.labels), corrected.journal, store, damage)
