"""The errors that a user can cause, each with a message that names the value and the remedy."""

from __future__ import annotations


class GraftError(Exception):
    """Base of all errors raised on purpose by napari-graft."""


class InputError(GraftError, ValueError):
    """Report that what the user gave cannot be used; the message says why and what to do."""


class StorageError(GraftError):
    """Report that a file could not be written, for example because the disk is full."""


class ProjectBusyError(InputError):
    """Report that another process is writing to the same project."""


class IdTakenError(InputError):
    """Report that a source was not added, because another one of the user's own has its id.

    Parameters
    ----------
    source_id
        The id.
    folder
        Where the other one is.
    """

    def __init__(self, source_id: str, folder: str) -> None:
        super().__init__(
            f"another source called {source_id!r} is there already: replace it with "
            f"'sources add --replace', or remove {folder!r}"
        )
        self.source_id = source_id


class Cancelled(GraftError):  # noqa: N818 - a request that was obeyed, not an error
    """Unwind a job that was asked to stop."""
