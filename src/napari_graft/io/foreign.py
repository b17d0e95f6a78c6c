"""What other libraries raise at bytes that strangers wrote, in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from napari_graft.core.errors import GraftError, InputError

_LONGEST = 200
_PLAIN = (OSError, ValueError, RuntimeError, MemoryError)
"""Errors of these kinds speak for themselves; of others, such as KeyError, the kind says more."""

_OF_THE_SYSTEM = {
    errno.EACCES: "you may not read it, change its permissions",
    errno.EPERM: "you may not read it, change its permissions",
    errno.EMFILE: "too many files are open, close other programs or raise the limit with 'ulimit -n'",
    errno.EIO: "the disk cannot read it, copy it to another disk",
    errno.ESTALE: "the network drive was lost, connect it again",
}
"""What to do where the file may be whole and the system does not give it."""


@contextmanager
def foreign_errors(problem: str, remedy: str) -> Iterator[None]:
    """Raise an `InputError` for whatever a library raises in the block; our own errors pass.

    Readers of images raise nearly anything at a damaged file: ZeroDivisionError, TypeError, ParseError,
    OverflowError, zlib.error. To list them is to miss one, so this is the one place that takes them all.

    Parameters
    ----------
    problem, remedy
        What could not be done, with the name of the file, and what to do instead where the system is not to
        blame.

    Raises
    ------
    InputError
        If the library raised anything.
    """
    try:
        yield
    except GraftError:
        raise
    except Exception as error:  # see above
        number = error.errno if isinstance(error, OSError) else None
        raise InputError(
            f"{problem}: {words_of(error)}: {_OF_THE_SYSTEM.get(number or 0, remedy)}"
        ) from error


def words_of(error: Exception) -> str:
    """Return the first line of an error, with its kind where the text alone would not be understood.

    >>> words_of(KeyError(282))
    'KeyError 282'
    """
    lines = str(error).strip().splitlines()
    text = lines[0][:_LONGEST] if lines else ""
    return text if text and isinstance(error, _PLAIN) else f"{type(error).__name__} {text}".strip()
