"""The process that started this one: whether it is still there, and how to end with it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
"""Of ``linux/prctl.h``: the signal that the kernel sends when the parent has ended."""


class Parent:
    """The process that started this one.

    Parameters
    ----------
    process_id
        Its id, None where it is not known: then nobody can say that it is gone.
    """

    def __init__(self, process_id: int | None) -> None:
        self._process_id = process_id

    @property
    def is_gone(self) -> bool:
        """Say whether it has ended."""
        # Whoever loses its parent is given another. On Windows a launcher may stand between the two.
        return self._process_id is not None and os.name == "posix" and os.getppid() != self._process_id

    def end_with_it(self) -> None:
        """Let the kernel end this process at once when the parent has ended; only Linux can.

        It counts as the end of the parent when the one thread that started this process ends.
        """
        if sys.platform == "linux":
            with suppress(AttributeError, OSError):
                ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
