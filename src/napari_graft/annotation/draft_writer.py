"""A thread that keeps drafts, so that whoever paints never waits for the disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.draft import DraftJournal
from napari_graft.annotation.draft_record import DraftState
from napari_graft.core.errors import GraftError

Labels = NDArray[np.uint32]


class DraftWriter:
    """Writer of drafts in a thread of its own, in the order in which the states came.

    Of each draft only the newest state that waits is written. What could not be written is tried again with
    the next state that is submitted, and by `flush` and `close`. Both functions are called in that thread;
    they are to hand over and return, and must not wait for the writer.

    Parameters
    ----------
    on_saved
        Called with the time after each state that is on the disk.
    on_error
        Called with the error of a state that could not be written.
    """

    def __init__(
        self, *, on_saved: Callable[[datetime], None], on_error: Callable[[GraftError], None]
    ) -> None:
        self._on_saved = on_saved
        self._on_error = on_error
        self._condition = threading.Condition()
        self._waiting: dict[DraftJournal, DraftState] = {}
        self._failed: dict[DraftJournal, DraftState] = {}
        self._busy: DraftJournal | None = None
        self._is_closing = False
        self._thread = threading.Thread(target=self._work, name="draft writer", daemon=True)
        self._thread.start()

    def submit(self, draft: DraftJournal, labels: Labels, begun: Labels | None = None) -> None:
        """Let a state be written soon; see `DraftJournal.append`.

        The arrays must not be changed afterwards: pass copies.
        """
        with self._condition:
            if self._is_closing:
                raise RuntimeError("the draft writer is closed")
            self._waiting[draft] = DraftState(labels, begun)
            self._retry_failed()
            self._condition.notify_all()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all is written or was refused; say whether all is on the disk.

        Parameters
        ----------
        timeout
            Seconds to wait at most, None for as long as it takes.
        """
        with self._condition:
            if not self._is_closing:
                self._retry_failed()
                self._condition.notify_all()
            is_done = self._condition.wait_for(lambda: not self._waiting and self._busy is None, timeout)
            return is_done and not self._failed

    def discard(self, draft: DraftJournal) -> None:
        """Forget what waits for a draft, and the draft itself; to be called once its tile is accepted.

        Raises
        ------
        StorageError
            If its file cannot be removed.
        """
        with self._condition:
            self._waiting.pop(draft, None)
            self._condition.wait_for(lambda: self._busy is not draft)
            self._failed.pop(draft, None)
        draft.discard()

    def close(self, timeout: float | None = None) -> bool:
        """Write what waits and end the thread; say whether all is on the disk. Twice does no harm.

        Parameters
        ----------
        timeout
            Seconds to wait at most, None for as long as it takes. What is not written by then may still be,
            as long as this process lives.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        is_saved = self.flush(timeout)
        with self._condition:
            self._is_closing = True
            self._condition.notify_all()
        self._thread.join(None if ends is None else max(0.0, ends - time.monotonic()))
        return is_saved

    def _retry_failed(self) -> None:
        self._waiting = self._failed | self._waiting
        self._failed = {}

    def _work(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._is_closing)
                if not self._waiting:
                    return
                draft = self._busy = next(iter(self._waiting))
                state = self._waiting.pop(draft)
            error = self._append(draft, state)
            self._tell(error)
            with self._condition:
                if error is not None and draft not in self._waiting:  # else a newer state is about to follow
                    self._failed[draft] = state
                self._busy = None
                self._condition.notify_all()

    @staticmethod
    def _append(draft: DraftJournal, state: DraftState) -> GraftError | None:
        try:
            draft.append(state.labels, state.begun)
        except GraftError as error:
            return error
        return None

    def _tell(self, error: GraftError | None) -> None:
        if error is None:
            self._on_saved(datetime.now(UTC))
        else:
            self._on_error(error)
