"""What to look at: the objects of a result that may be wrong, one after the other, and what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.documents import read_document, write_document
from napari_graft.jobs.builtin.suspicions import SuspicionsRequest, SuspicionsResult
from napari_graft.project.proofreading import Verdict
from napari_graft.project.suspicions import SuspicionList, SuspicionRecord
from napari_graft.proofreading import tools
from napari_graft.proofreading.carry_over import Collision
from napari_graft.proofreading.edit import Edit
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob
from napari_graft.workbench.proofread.model import ProofreadingModel
from napari_graft.workbench.proofread.open_result import OpenResult, ResultChoice


@dataclass(frozen=True, slots=True)
class ReviewEntry:
    """Objects that may be wrong, and what came of them; no verdict while nobody has looked."""

    suspicion: SuspicionRecord
    verdict: Verdict | None = None


@dataclass(slots=True, weakref_slot=True)
class ReviewState:
    """State of what is looked at.

    Parameters
    ----------
    entries
        The most gain first.
    current
        Place in the list of the one that is looked at, None where there is none.
    is_finding
        Whether objects are looked for.
    fraction
        How far that is, None while it is not known.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    entries: tuple[ReviewEntry, ...] = ()
    current: int | None = None
    is_finding: bool = False
    fraction: float | None = None

    @property
    def n_seen(self) -> int:
        """Number of entries with a verdict."""
        return sum(entry.verdict is not None for entry in self.entries)

    @property
    def entry(self) -> ReviewEntry | None:
        """The one that is looked at."""
        return None if self.current is None else self.entries[self.current]


class ReviewModel:
    """View-model of the objects that may be wrong; every verdict is on the disk before it is shown.

    Parameters
    ----------
    context
        What the window shares.
    model
        The result that is corrected.
    """

    shown = Signal(SuspicionRecord)
    """Where to look now."""

    def __init__(self, context: Context, model: ProofreadingModel) -> None:
        self._context = context
        self._model = model
        self._job: RunningJob[SuspicionsResult] | None = None
        self.state = ReviewState()
        context.hear(model.state.events.opened, self._on_opened)
        context.hear(model.changed, self._on_changed)

    def find(self) -> None:
        """Look for objects that may be wrong, in the worker process."""
        opened, project = self._model.state.opened, self._context.project
        if opened is None or project is None or self.state.is_finding:
            return
        choice = opened.choice
        previous, other = _to_compare_with(choice, self._model.state.choices)
        finished = [run.id for run in project.runs.all() if run.is_finished]
        is_known = choice.run is None or choice.run in finished
        request = SuspicionsRequest(
            project=str(project.folder),
            segmentation=str(choice.file),
            start=choice.region.start,
            out=str(self._list_path(project.folder, opened)),
            reference=choice.model if is_known else None,
            other=None if other is None else str(other.file),
            previous=None if previous is None else str(previous.file),
        )
        self.state.is_finding = True

        def take(result: SuspicionsResult) -> None:
            if self._model.state.opened is opened:
                self._read(opened, Path(result.path), is_new=True)

        self._job = self._context.run_job(request, take, on_progress=self._on_progress)
        self._job.ended.connect(self._on_ended)

    def stop(self) -> None:
        """Look for no more."""
        if self._job is not None:
            self._job.cancel()

    def go_to(self, place: int) -> None:
        """Look at an entry."""
        if 0 <= place < len(self.state.entries):
            self.state.current = place
            self.shown.emit(self.state.entries[place].suspicion)

    def next(self) -> None:
        """Look at the next entry that nobody has looked at, from the first again after the last."""
        n, first = len(self.state.entries), -1 if self.state.current is None else self.state.current
        places = [(first + step) % n for step in range(1, n + 1)]
        waiting = [place for place in places if self.state.entries[place].verdict is None]
        if waiting:
            self.go_to(waiting[0])
        else:
            self._model.told.emit("All of them are looked at." if n else "Nothing is listed yet.")

    def previous(self) -> None:
        """Look at the entry before this one, whatever came of it."""
        self.go_to(max((self.state.current or 0) - 1, 0))

    def accept(self) -> None:
        """Note that the objects are right as they are, and go on."""
        self._judge("accepted")

    def skip(self) -> None:
        """Note that nobody can tell, and go on."""
        self._judge("skipped")

    def join(self) -> None:
        """Merge the two objects that are asked about, and go on."""
        entry = self.state.entry
        if entry is None or not entry.suspicion.is_question:
            self._model.refused.emit("this is no question about two objects: use a tool, accept or skip")
            return
        first, second = entry.suspicion.ids
        self._model.do(
            lambda objects: tools.merge(objects, [first, second]),
            f"Merged objects {first} and {second}.",
            on_done=lambda _: self._note([entry], "fixed", goes_on=True),
        )

    def list_collisions(self, collisions: Sequence[Collision]) -> None:
        """List objects that lost pixels to ones that were carried over before all others."""
        opened, project = self._model.state.opened, self._context.project
        if opened is None or project is None:
            return
        path = self._list_path(project.folder, opened)

        def work(opened: OpenResult) -> Path:
            found = SuspicionList()
            if path.is_file():
                found = read_document(SuspicionList, path, "list of suspicious objects")
            first = tuple(_of_collision(one, opened) for one in collisions)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_document(path, found.model_copy(update={"suspicions": (*first, *found.suspicions)}))
            return path

        self._model.work(work, lambda path: self._read(opened, path, is_new=False))

    def _judge(self, verdict: Verdict) -> None:
        entry = self.state.entry
        if entry is not None:
            self._model.count_action()
            self._note([entry], verdict, goes_on=True)

    def _note(
        self, entries: Sequence[ReviewEntry], verdict: Verdict | None, *, goes_on: bool = False
    ) -> None:
        keys = [(entry.suspicion.ids, entry.suspicion.reason) for entry in entries]

        def take(_: object) -> None:
            self._context.note_saved()
            self.state.entries = tuple(
                ReviewEntry(one.suspicion, verdict)
                if (one.suspicion.ids, one.suspicion.reason) in keys
                else one
                for one in self.state.entries
            )
            if goes_on:
                self.next()

        self._model.work(lambda opened: opened.note_verdicts(keys, verdict), take)

    def _on_changed(self, edit: Edit, is_undone: bool) -> None:
        """Note what is fixed by an edit, or no longer, where it was taken back."""
        current, touched = self.state.entry, edit.ids
        entries = [one for one in self.state.entries if touched.intersection(one.suspicion.ids)]
        if is_undone:
            fixed = [one for one in entries if one.verdict == "fixed"]
            if fixed:
                self._note(fixed, None)
            return
        waiting = [one for one in entries if one.verdict is None]
        if not waiting:
            return

        def take(there: set[int]) -> None:
            gone = [one for one in waiting if one is current or not there.issuperset(one.suspicion.ids)]
            if gone:
                self._note(gone, "fixed")

        self._model.work(lambda opened: set(opened.objects.ids()), take)

    def _read(self, opened: OpenResult, path: Path, *, is_new: bool) -> None:
        def task(report: Report, cancel: CancelToken) -> tuple[ReviewEntry, ...]:
            found = read_document(SuspicionList, path, "list of suspicious objects").suspicions
            return _with_verdicts(found, opened)

        def take(entries: tuple[ReviewEntry, ...]) -> None:
            if self._model.state.opened is not opened:
                return
            self.state.current = None
            self.state.entries = entries
            if is_new:
                self._model.told.emit(_found_words(entries))

        self._context.jobs.start("Reading the list", task, lane="edits", on_done=take)

    def _on_opened(self, opened: OpenResult | None) -> None:
        self.state.current = None
        self.state.entries = ()
        project = self._context.project
        if opened is not None and project is not None:
            path = self._list_path(project.folder, opened)
            if path.is_file():
                self._read(opened, path, is_new=False)

    def _on_progress(self, progress: Progress) -> None:
        self.state.fraction = progress.done / progress.total if progress.total else None

    def _on_ended(self) -> None:
        self._job = None
        self.state.is_finding, self.state.fraction = False, None

    @staticmethod
    def _list_path(folder: Path, opened: OpenResult) -> Path:
        return folder / "cache" / "suspicions" / f"{opened.name}.json"


def _to_compare_with(
    choice: ResultChoice, choices: Sequence[ResultChoice]
) -> tuple[ResultChoice | None, ResultChoice | None]:
    """Return the result of the round before, and the newest that is of no earlier one; None for none."""
    same = [one for one in choices if one.region == choice.region and one != choice]
    earlier = [
        one for one in same if None not in (one.order, choice.order) and str(one.order) < str(choice.order)
    ]
    others = sorted((one for one in same if one not in earlier), key=lambda one: one.order == choice.order)
    previous = max(earlier, key=lambda one: str(one.order), default=None)
    return previous, next(iter(others), None)


def _of_collision(one: Collision, opened: OpenResult) -> SuspicionRecord:
    box = opened.objects.box(one.other)
    words = f"object {one.locked}, which was brought over, took {one.n_pixels:,} pixels of it"
    return SuspicionRecord(
        ids=(one.other,),
        reason="collision",
        words=words,
        position=one.position,
        start=box.start,
        shape=box.shape,
        score=one.n_pixels / opened.objects.labels.size,
    )


def _with_verdicts(found: Sequence[SuspicionRecord], opened: OpenResult) -> tuple[ReviewEntry, ...]:
    """Return what was found with what came of it, without what is gone and has no verdict."""
    verdicts = {(one.ids, one.reason): one.verdict for one in opened.checked}
    there = set(opened.objects.ids())
    entries = [ReviewEntry(one, verdicts.get((one.ids, one.reason))) for one in found]
    return tuple(
        entry for entry in entries if entry.verdict is not None or there.issuperset(entry.suspicion.ids)
    )


def _found_words(entries: Sequence[ReviewEntry]) -> str:
    if not entries:
        return "No object looks suspicious."
    n = len(entries)
    return f"{n} object{' is' if n == 1 else 's are'} worth a look."
