"""All that one window knows: the shared context, a model for each tab, and the next step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from napari_graft.sources.catalogue import Catalogue
from napari_graft.workbench.comparing import ComparingModel
from napari_graft.workbench.context import Context
from napari_graft.workbench.data import DataModel
from napari_graft.workbench.jobs import Deliver
from napari_graft.workbench.next_step import Facts, NextStep, TabName, next_step
from napari_graft.workbench.sources import SourcesModel


@dataclass(slots=True, weakref_slot=True)
class WorkbenchState:
    """Say which tab is shown, and what comes next."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    tab: TabName = "data"
    next: NextStep = field(default_factory=lambda: next_step(Facts()))


class Workbench:
    """Hold the state of one window.

    Parameters
    ----------
    deliver
        Brings callbacks to the thread of the window.
    catalogue
        Where sources are looked up.
    """

    def __init__(self, deliver: Deliver, catalogue: Catalogue | None = None) -> None:
        self.context = Context(deliver, catalogue)
        self.data = DataModel(self.context)
        self.sources = SourcesModel(self.context)
        self.comparing = ComparingModel(self.context, self.sources)
        self.state = WorkbenchState()
        context = self.context
        for signal in (context.project_changed, context.tiles_changed, context.runs_changed):
            signal.connect(self.update_next_step)
        sources = self.sources.state.events
        changes = (self.data.state.events.image, sources.is_ranked, sources.chosen)
        for signal in (context.jobs.started, context.jobs.ended, *changes):
            signal.connect(self.update_next_step)
        self.sources.contrast_changed.connect(self._on_contrast_changed)

    def update_next_step(self) -> None:
        """Find out anew what comes next."""
        self.state.next = next_step(self._facts())

    def close(self) -> None:
        """Stop everything within two seconds; what was finished is kept."""
        self.context.close()

    def _on_contrast_changed(self, is_inverted: bool) -> None:
        self.data.state.is_inverted = is_inverted

    def _facts(self) -> Facts:
        return Facts(
            has_image=self.data.state.image is not None,
            has_project=self.context.project is not None,
            is_ranked=self.sources.state.is_ranked,
            has_source=self.sources.state.chosen is not None,
        )
