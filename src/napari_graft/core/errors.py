"""The errors that a user can cause, each with a message that names the value and the remedy."""

from __future__ import annotations


class GraftError(Exception):
    """Base of all errors raised on purpose by napari-graft."""


class InputError(GraftError, ValueError):
    """Report that what the user gave cannot be used; the message says why and what to do."""


class DamagedFileError(InputError):
    """Report that a file does not hold what was written to it, or is no file at all."""


class UnclearImageError(InputError):
    """Report that a file does not say what its axes or channels are, and which options of `new` say it.

    Parameters
    ----------
    problem
        What is not clear.
    remedy
        The options; who has none catches the error and says what to do instead.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")
        self.problem = problem


class StorageError(GraftError):
    """Report that a file could not be written, for example because the disk is full."""


class ProjectBusyError(InputError):
    """Report that another process is writing to the same project."""


class ImageDiffersError(InputError):
    """Report that a file holds another image than the one that a project was made with."""


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


class MaskMeaningError(InputError):
    """Report that an image of two values was given as labels, and that it may be one object or many.

    Parameters
    ----------
    path
        The image.
    value
        What it holds beside 0.
    n_pieces
        How many pieces that do not touch.
    """

    def __init__(self, path: str, value: int, n_pieces: int) -> None:
        super().__init__(
            f"{path} is a mask of 0 and {value} in {n_pieces} pieces: say --mask pieces if each piece is an "
            "object, or --mask object if all of them are one"
        )
        self.path = path
        self.value = value
        self.n_pieces = n_pieces


class Cancelled(GraftError):  # noqa: N818 - a request that was obeyed, not an error
    """Unwind a job that was asked to stop."""
