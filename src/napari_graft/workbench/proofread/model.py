"""The model of the proofreading: which result is corrected, its edits, undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.errors import GraftError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.project.proofreading import ProofreadingStore, UnfitEditsError
from napari_graft.project.results import written_results
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.workbench.annotate.open_tile import PaintingClock
from napari_graft.workbench.context import Context
from napari_graft.workbench.proofread.correctable import AffinityPlace, MakeEdit, object_at
from napari_graft.workbench.proofread.open_result import (
    OpenResult,
    ResultChoice,
    choice_of_file,
    choice_of_round,
    open_result,
)
from napari_graft.workbench.train.results import ResultsModel
from napari_graft.workbench.train.rounds import round_name


@dataclass(slots=True, weakref_slot=True)
class CorrectionState:
    """State of the proofreading.

    Parameters
    ----------
    choices
        The results that can be proofread, those of the whole image first, the latest first.
    chosen
        The one that the user has chosen, None where there is none.
    opened
        The one that is corrected, None while there is none.
    is_opening
        Whether one is being read.
    undo_tool, redo_tool
        Name of the tool whose edit is undone or done again next, None where there is none.
    n_edits
        Edits that hold.
    locked
        Ids of the objects that are locked.
    has_unfit_edits
        Whether the edits of the one that is chosen are of another result, so that it cannot be opened.
    seconds
        How long it was corrected since it was opened.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    choices: tuple[ResultChoice, ...] = ()
    chosen: ResultChoice | None = None
    opened: OpenResult | None = None
    is_opening: bool = False
    undo_tool: str | None = None
    redo_tool: str | None = None
    n_edits: int = 0
    locked: tuple[int, ...] = ()
    has_unfit_edits: bool = False
    seconds: float = 0.0


class ProofreadingModel:
    """View-model of the result that is corrected.

    Edits are made, done and stored one after the other in the background: the user is told of one once it
    is on the disk.

    Parameters
    ----------
    context
        What the window shares.
    results
        The segmentations that there are.
    """

    refused = Signal(str)
    """What cannot be done, in words."""
    told = Signal(str)
    """What was done, in words."""
    replaced = Signal()
    """Another result is open, or none."""
    changed = Signal(Edit, bool)
    """The labels have changed by an edit, which is on the disk; whether it took back what was done before."""

    def __init__(self, context: Context, results: ResultsModel) -> None:
        self._context = context
        self._results = results
        self._clock = PaintingClock()
        self._n_actions = 0
        self.state = CorrectionState()
        self.state.events.opened.connect(lambda _: self.replaced.emit())
        context.hear(context.project_closing, self.close)
        context.hear(context.project_changed, self._on_project_changed)
        for signal in (results.state.events.results, results.state.events.whole):
            context.hear(signal, self._list_choices)

    @property
    def objects(self) -> ObjectMap | None:
        """The objects of the open result, None where none is open."""
        return None if self.state.opened is None else self.state.opened.objects

    @property
    def background(self) -> int:
        """Label of what belongs to no object."""
        return 0

    @property
    def place(self) -> AffinityPlace | None:
        """Where the open result lies, and the model that made it."""
        if self.state.opened is None:
            return None
        choice = self.state.opened.choice
        return AffinityPlace(choice.region, choice.model)

    def choose(self, choice: ResultChoice) -> None:
        """Choose which result `open` opens."""
        self.state.chosen = choice
        self.state.has_unfit_edits = False

    def open(self, *, begins_anew: bool = False) -> None:
        """Read the result that is chosen, with its edits, in place of the one that is open.

        Parameters
        ----------
        begins_anew
            Whether the edits that there are, which are of another result, are put aside before.
        """
        choice = self.state.chosen
        if choice is None or self._context.project is None:
            self.refused.emit("there is no result yet: segment the image in the tab Train")
            return
        project = self._context.project
        self.close()

        def read(report: Report, cancel: CancelToken) -> OpenResult | UnfitEditsError:
            if begins_anew:
                ProofreadingStore(project.folder, choice.file).begin_anew()
            try:
                return open_result(project, choice, report, cancel)
            except UnfitEditsError as error:
                return error

        def take(found: OpenResult | UnfitEditsError) -> None:
            if self._context.project is not project:
                return
            self.state.has_unfit_edits = isinstance(found, UnfitEditsError)
            if isinstance(found, UnfitEditsError):
                self.refused.emit(str(found))
            else:
                self._take(found)

        self.state.is_opening = True
        job = self._context.jobs.start(f"Opening {choice.title}", read, lane="edits", on_done=take)
        job.ended.connect(self._on_opening_ended)

    def close(self) -> None:
        """Correct nothing any longer; all edits are kept, and how many there were and for how long."""
        n_actions, self._n_actions, seconds = self._n_actions, 0, self._clock.seconds
        if n_actions:
            self.work(lambda opened: opened.note_actions(n_actions, seconds), lambda _: None)
        self.state.opened = None
        self.show_journal()

    def do(self, make: MakeEdit, words: str, *, on_done: Callable[[Edit], None] | None = None) -> None:
        """Do an edit soon.

        Parameters
        ----------
        make
            Makes it.
        words
            What was done, for the user.
        on_done
            Called once it is on the disk, before others hear of it.
        """

        def work(opened: OpenResult) -> Edit:
            return opened.do(make(opened.objects))

        def take(edit: Edit | None) -> None:
            assert edit is not None
            if on_done is not None:
                on_done(edit)
            if edit.n_pixels == 0:
                self.told.emit("Nothing had to be changed.")
            else:
                self._tell_of(edit, words, is_undone=False)

        self.work(work, take)

    def undo(self) -> None:
        """Take the last edit back."""
        tool = self.state.undo_tool
        self.work(lambda opened: opened.undo(), lambda edit: self._on_gone(edit, "Undone", tool, True))

    def redo(self) -> None:
        """Do the edit again that was undone last."""
        tool = self.state.redo_tool
        self.work(lambda opened: opened.redo(), lambda edit: self._on_gone(edit, "Done again", tool, False))

    def toggle_lock(self, position: tuple[int, ...]) -> None:
        """Lock the object at a pixel, or unlock it."""

        def work(opened: OpenResult) -> tuple[int, bool]:
            found = object_at(opened.objects, position)
            return found, opened.toggle_lock(found)

        def take(found: tuple[int, bool]) -> None:
            self.show_journal()
            self._context.note_saved()
            words = "is locked: no tool changes it" if found[1] else "is unlocked"
            self.told.emit(f"Object {found[0]} {words}.")

        self.work(work, take)

    def work(self, work: Callable[[OpenResult], object], on_done: Callable[..., None]) -> None:
        """Let something be done to the open result in the background, after what is under way.

        What it cannot do the user hears in words. `on_done` takes what it returns, unless another result is
        open by then.
        """
        opened = self.state.opened
        if opened is None:
            self.refused.emit("no result is open: choose one and press Proofread")
            return

        def task(report: Report, cancel: CancelToken) -> object:
            try:
                return work(opened)
            except GraftError as error:
                return error

        def take(found: object) -> None:
            if self.state.opened is not opened:
                return
            if isinstance(found, GraftError):
                self.refused.emit(str(found))
            else:
                on_done(found)

        self._context.jobs.start("Correcting objects", task, lane="edits", on_done=take, must_finish=True)

    def look(self, work: Callable[[ObjectMap], object], on_done: Callable[..., None]) -> None:
        """Compute something of the objects in the background, as `work` does."""
        self.work(lambda opened: work(opened.objects), on_done)

    def count_action(self) -> None:
        """Take note that somebody corrected or judged something just now."""
        self._n_actions += 1
        self._clock.touch()
        self.state.seconds = self._clock.seconds

    def _on_gone(self, edit: Edit | None, words: str, tool: str | None, is_undone: bool) -> None:
        if edit is None:
            self.told.emit(f"There is nothing to {'undo' if is_undone else 'do again'}.")
        else:
            self._tell_of(edit, f"{words}: {tool or edit.tool}.", is_undone=is_undone)

    def _tell_of(self, edit: Edit, words: str, *, is_undone: bool) -> None:
        self.count_action()
        self.show_journal()
        self._context.note_saved()
        self.changed.emit(edit, is_undone)
        self.told.emit(words)

    def _take(self, opened: OpenResult) -> None:
        self._clock.start()
        self.state.seconds = 0.0
        self.state.opened = opened
        self.show_journal()
        for words in opened.notes:
            self.refused.emit(words)

    def show_journal(self) -> None:
        """Show anew what can be undone, and what is locked."""
        opened = self.state.opened
        journal = None if opened is None else opened.journal
        self.state.undo_tool = None if journal is None else journal.undo_tool
        self.state.redo_tool = None if journal is None else journal.redo_tool
        self.state.n_edits = 0 if journal is None else journal.n_done
        self.state.locked = () if opened is None else tuple(sorted(opened.objects.locked))

    def _on_opening_ended(self) -> None:
        self.state.is_opening = False

    def _on_project_changed(self) -> None:
        self.close()
        self._list_choices()

    def _list_choices(self) -> None:
        project = self._context.project
        if project is None:
            self.state.choices, self.state.chosen = (), None
            return
        shape, written = project.manifest.shape, written_results(project.folder)
        state = self._results.state
        files = [choice_of_file(one.file, shape, written, project.folder) for one in reversed(state.whole)]
        rounds = [choice_of_round(one, round_name(one.record.run), shape) for one in reversed(state.results)]
        self.state.choices = (*files, *rounds)
        if self.state.chosen not in self.state.choices:
            self.state.chosen = next(iter(self.state.choices), None)
