"""What was corrected in an earlier round, brought into the result of a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from napari_graft.core.progress import CancelToken, Report
from napari_graft.io import open_labels
from napari_graft.project.project import Project
from napari_graft.project.proofreading import ProofreadingStore
from napari_graft.proofreading.carry_over import TOOL, CarriedOver, carry_over
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.workbench.context import Context
from napari_graft.workbench.proofread.model import ProofreadingModel
from napari_graft.workbench.proofread.open_result import OpenResult, ResultChoice
from napari_graft.workbench.proofread.review import ReviewModel


@dataclass(slots=True, weakref_slot=True)
class CarryingState:
    """State of what can be brought over.

    Parameters
    ----------
    source
        The corrected result that objects can be brought over from, None where there is none, or they are.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    source: ResultChoice | None = None


class CarryingModel:
    """View-model of the objects of an earlier result that are to stay in the one that is open.

    These are the locked ones, which stay locked, and those that an edit has changed. It is one edit, which
    can be undone; where one of them takes a part of a new object, that one is listed as suspicious.

    Parameters
    ----------
    context
        What the window shares.
    model
        The result that is corrected.
    review
        Lists what collides.
    """

    def __init__(self, context: Context, model: ProofreadingModel, review: ReviewModel) -> None:
        self._context = context
        self._model = model
        self._review = review
        self.state = CarryingState()
        context.hear(model.state.events.opened, self._on_opened)
        context.hear(model.changed, self._on_changed)

    def take(self) -> None:
        """Bring the objects over."""
        project, source = self._context.project, self.state.source
        if project is None or source is None:
            return
        carried: list[CarriedOver] = []
        locked = set[int]()

        def make(objects: ObjectMap) -> Edit:
            previous, ids = _read_previous(project, source)
            locked.update(previous.locked)
            objects.locked.intersection_update(objects.ids())  # where it was undone before, these are gone
            carried.append(carry_over(objects, previous, ids))
            return carried[-1].edit

        def keep(opened: OpenResult) -> CarriedOver:
            opened.lock([new for old, new in carried[-1].ids.items() if old in locked])
            return carried[-1]

        self._model.do(
            make,
            f"Brought over what was corrected in {source.title}.",
            on_done=lambda _: self._model.work(keep, self._on_carried),
        )

    def _on_carried(self, carried: CarriedOver) -> None:
        self._model.show_journal()
        n, n_collisions = len(carried.ids), len(carried.collisions)
        words = f"{n} object{'' if n == 1 else 's'} brought over"
        if n_collisions:
            self._review.list_collisions(carried.collisions)
            words += f"; {n_collisions} that they collide with stand first in the list below"
        self._model.told.emit(f"{words}.")

    def _on_changed(self, edit: Edit, is_undone: bool) -> None:
        if edit.tool == TOOL:
            self._look()

    def _on_opened(self, opened: OpenResult | None) -> None:
        self.state.source = None
        if opened is not None:
            self._look()

    def _look(self) -> None:
        """Look for a result of an earlier round that was corrected, in the background."""
        opened, project = self._model.state.opened, self._context.project
        if opened is None or project is None:
            return
        choices = self._model.state.choices

        def work(report: Report, cancel: CancelToken) -> ResultChoice | None:
            if TOOL in opened.journal.tools:
                return None
            earlier = [one for one in choices if _is_earlier(one, opened.choice)]
            earlier.sort(key=lambda one: str(one.run), reverse=True)
            return next((one for one in earlier if _was_corrected(project, one)), None)

        def take(found: ResultChoice | None) -> None:
            if self._model.state.opened is opened:
                self.state.source = found

        self._context.jobs.start("Looking for corrections", work, lane="edits", on_done=take)


def _is_earlier(one: ResultChoice, than: ResultChoice) -> bool:
    """Say whether a result is of the same pixels and of an earlier round."""
    is_same_place = one.region == than.region and one.file != than.file
    return is_same_place and None not in (one.run, than.run) and str(one.run) < str(than.run)


def _was_corrected(project: Project, choice: ResultChoice) -> bool:
    store = ProofreadingStore(project.folder, choice.file, writable=False)
    return choice.file.exists() and (store.edits_path.exists() or bool(store.read_state().locked))


def _read_previous(project: Project, choice: ResultChoice) -> tuple[ObjectMap, set[int]]:
    """Return the objects of a result as they are corrected, and which were locked or changed by an edit."""
    store = ProofreadingStore(project.folder, choice.file, writable=False)
    corrected = store.read_corrected(open_labels(choice.file))
    locked = store.read_state().locked
    changed = set[int]().union(*(edit.ids for edit in corrected.journal.edits()))
    return ObjectMap(corrected.labels, locked=locked), changed.union(locked)
