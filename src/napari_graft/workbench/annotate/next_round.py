"""All that lies between two paintings by one click: train on what is painted, then suggest the next tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from napari_graft.session.training.learning_curve import reason_to_stop
from napari_graft.workbench.annotate.model import AnnotatingModel
from napari_graft.workbench.context import Context
from napari_graft.workbench.train.model import TrainingModel

TRAIN_AND_SUGGEST = "Train, then suggest more"
TRAIN_ONLY = "Train on all tiles"


@dataclass(slots=True, weakref_slot=True)
class NextRoundState:
    """State of the way from one painting to the next.

    Parameters
    ----------
    action
        What one click does now, in words; empty while tiles wait to be painted or a training is under way.
    reason_to_stop
        Why no more tiles were suggested although the budget allows it, in words; empty where they were.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    action: str = ""
    reason_to_stop: str = ""


class NextRoundModel:
    """View-model of the way from one painting to the next.

    After a training, tiles are suggested until the budget of tiles is spent, unless the last rounds gained so
    little that more tiles of the kind would not help much: then that is said, and who wants more asks for it.

    Parameters
    ----------
    context
        What the window shares.
    training, annotating
        What trains, and what suggests.
    """

    def __init__(self, context: Context, training: TrainingModel, annotating: AnnotatingModel) -> None:
        self.state = NextRoundState()
        self._context = context
        self._training = training
        self._annotating = annotating
        context.hear(training.round_ready, self._on_round_ready)
        context.hear(annotating.state.events.is_suggesting, self._on_suggesting)
        for signal in (
            context.project_changed,
            context.tiles_changed,
            context.runs_changed,
            annotating.state.events.queue,
            annotating.state.events.budget,
            training.state.events.is_training,
        ):
            context.hear(signal, self._update)
        context.hear(context.project_changed, self._forget)

    def go(self) -> None:
        """Train on what is painted; the rest follows by itself."""
        if self.state.action:
            self._training.train()

    def _on_round_ready(self) -> None:
        project = self._context.project
        structure = None if project is None else project.manifest.structure
        words = reason_to_stop(self._training.state.points, structure)
        self.state.reason_to_stop = words
        if not words:
            self._annotating.suggest()

    def _on_suggesting(self) -> None:
        if self._annotating.state.is_suggesting:
            self.state.reason_to_stop = ""

    def _forget(self) -> None:
        self.state.reason_to_stop = ""

    def _update(self) -> None:
        painted, training = self._annotating.state, self._training
        is_ready = training.n_new_tiles > 0 and painted.queue.n_to_do == 0 and not training.state.is_training
        words = TRAIN_AND_SUGGEST if painted.n_to_suggest else TRAIN_ONLY
        self.state.action = words if is_ready else ""
