"""What the dock shows around its tabs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from napari_graft.workbench.next_step import Facts, NextStep, TabName, next_step


@dataclass(slots=True, weakref_slot=True)
class WorkbenchState:
    """State of the workbench: the tab that is shown, and what comes next."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    tab: TabName = "data"
    next: NextStep = field(default_factory=lambda: next_step(Facts()))
