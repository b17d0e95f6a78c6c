"""What can be done with the sources: rank, preview, merge and use them."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QWidget

from napari_graft._qt.widgets.basics import button, column, flow, set_look
from napari_graft.workbench.sources_state import SourcesState

FEWEST_MERGED = 2


class SourceButtons(QWidget):
    """Buttons of the tab Sources, of which the next one to press stands out.

    Parameters
    ----------
    on_rank, on_preview, on_merge, on_use
        Called when a button is pressed.
    """

    def __init__(
        self,
        *,
        on_rank: Callable[[], None],
        on_preview: Callable[[], None],
        on_merge: Callable[[], None],
        on_use: Callable[[], None],
    ) -> None:
        super().__init__()
        self.rank = button("Rank", on_rank, tip="Find out which sources fit the image")
        self.preview = button(
            "Preview",
            on_preview,
            tip="See what the ticked sources make of a tile in the view, where there is most to see",
        )
        self.merge = button(
            "Merge", on_merge, tip="Make one model of the ticked sources, on the tiles that you have painted"
        )
        self.use = button("Use this one", on_use, tip="Start from the source that is selected")
        self.setLayout(column(flow(self.rank, self.preview, self.merge, self.use)))

    def show_state(self, state: SourcesState, *, has_project: bool, current: str | None) -> None:
        """Show what can be done now; `current` is the source that is selected."""
        self.rank.setText("Rank again" if state.is_ranked else "Rank")
        self.rank.setEnabled(has_project and not state.is_ranking)
        self.preview.setEnabled(has_project and bool(state.ticked) and not state.is_previewing)
        self.merge.setEnabled(has_project and len(state.ticked) >= FEWEST_MERGED)
        self.use.setEnabled(has_project and current not in (None, state.chosen))
        set_look(self.rank, "quiet" if state.is_ranked else "primary")
        is_settled = state.chosen is not None or not state.is_ranked
        set_look(self.preview, "quiet" if is_settled or state.preview is not None else "primary")
        set_look(self.use, "quiet" if is_settled or state.preview is None else "primary")
