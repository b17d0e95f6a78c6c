"""What fails in a window reaches the user as words, and the rest goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec

from psygnal import EmitLoopError, Signal

from napari_graft.core.errors import GraftError

P = ParamSpec("P")

_log = logging.getLogger(__name__)


def failure_words(error: BaseException) -> str:
    """Return what went wrong, in words.

    A signal wraps what its listener raises: of the causes, the first that was raised on purpose speaks, else
    the innermost.

    >>> failure_words(ZeroDivisionError("division by zero"))
    'something unexpected went wrong (ZeroDivisionError: division by zero)'
    """
    found = meant_for_user(error)
    if found is not None:
        return str(found)
    *_, cause = _unwrapped(error)
    return f"something unexpected went wrong ({type(cause).__name__}: {cause})"


def meant_for_user(error: BaseException) -> GraftError | None:
    """Return the error that was raised on purpose, None where there is none among the causes."""
    return next((one for one in _unwrapped(error) if isinstance(one, GraftError)), None)


def _unwrapped(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and what it wraps as signals do."""
    yield error
    while isinstance(error, EmitLoopError) and error.__cause__ is not None:
        error = error.__cause__
        yield error


class Failures:
    """Reports of failures; a listener that fails does not stop the others."""

    told = Signal(str)
    """What went wrong, in words."""

    def tell(self, error: BaseException) -> None:
        """Tell the user; what nobody meant to happen goes to the log as well, with its traceback."""
        if meant_for_user(error) is None:
            _log.error("%s", failure_words(error), exc_info=error)
        self.told.emit(failure_words(error))

    def guarded(self, answer: Callable[P, object]) -> Callable[P, None]:
        """Return a listener that tells of its failure instead of raising it.

        A signal stops at the first listener that raises: all after it would hear nothing.
        """

        @wraps(answer)
        def guard(*arguments: P.args, **named: P.kwargs) -> None:
            try:
                answer(*arguments, **named)
            except Exception as error:  # the window: whatever fails must reach the user as words
                self.tell(error)

        return guard
