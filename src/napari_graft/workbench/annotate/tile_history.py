"""What was done on the open tile, stroke by stroke: undo and redo without limit, and after a restart."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.tile import Tile
from napari_graft.proofreading.edit import Edit

Labels = NDArray[np.uint32]


class TileHistory:
    """History of the labels of a tile as edits, each of which can be undone.

    The draft of the tile is what the disk has of it (`from_states`): an undo is a state of its own there.

    Parameters
    ----------
    labels
        (*tile.shape) uint32, what the tile begins with; not to be changed.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._done: list[Edit] = []
        self._undone: list[Edit] = []

    @classmethod
    def from_states(
        cls, states: Iterable[tuple[Labels, bool]], begun: Labels | None = None
    ) -> TileHistory | None:
        """Return the history that led through the states of a draft (`DraftJournal.states`); None of none.

        A state that was there before is an undo, one that was undone a redo.

        Parameters
        ----------
        begun
            What the tile began with where that is known better than from the draft.
        """
        history: TileHistory | None = None
        done: list[bytes] = []
        undone: list[bytes] = []
        for state, is_anew in states:
            if history is None or is_anew:
                history = cls(state if history is not None or begun is None else begun)
                done, undone = [_checksum(history.labels)], []
                continue
            found = _checksum(state)
            if found in done:
                while done[-1] != found:
                    undone.append(done.pop())
                    history.undo()
            elif found in undone:
                while done[-1] != found:
                    done.append(undone.pop())
                    history.redo()
            else:
                done.append(found)
                undone.clear()
                history.add(state)
        return history

    @property
    def labels(self) -> Labels:
        """What is on the tile now; not to be changed."""
        return self._labels

    @property
    def n_done(self) -> int:
        """Number of edits that can be undone."""
        return len(self._done)

    @property
    def n_undone(self) -> int:
        """Number of edits that can be done again."""
        return len(self._undone)

    def add(self, labels: Labels) -> None:
        """Note what is on the tile after a stroke or an edit; what was undone cannot be done again then."""
        whole = Tile((0,) * labels.ndim, labels.shape)
        edit = Edit.from_regions("paint", whole, self._labels, labels)
        if edit.n_pixels:
            self._done.append(edit)
            self._undone.clear()
            self._labels = labels

    def undo(self) -> Edit | None:
        """Take the last edit back; return what does that, None where there is none."""
        if not self._done:
            return None
        edit = self._done.pop()
        self._undone.append(edit)
        return self._apply(edit.inverse())

    def redo(self) -> Edit | None:
        """Do the edit again that was undone last; return it, None where there is none."""
        if not self._undone:
            return None
        edit = self._undone.pop()
        self._done.append(edit)
        return self._apply(edit)

    def _apply(self, edit: Edit) -> Edit:
        labels = self._labels.copy()
        edit.apply(labels)
        self._labels = labels
        return edit


def _checksum(labels: Labels) -> bytes:
    return blake2b(labels.tobytes(), digest_size=16).digest()
