"""The errors that a user can cause, each with a message that names the value and the remedy."""

from __future__ import annotations


class GraftError(Exception):
    """Base of all errors raised on purpose by napari-graft."""


class InputError(GraftError, ValueError):
    """Error of the user's input; the message says what is wrong and what to do."""


class DamagedFileError(InputError):
    """Error: a file does not hold what was written to it, or is no file at all."""


class UnclearImageError(InputError):
    """Error: a file does not say what its axes or channels are; names the options of `new` that say it.

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
    """Error: a file could not be written, for example because the disk is full."""


class ProjectBusyError(InputError):
    """Error: another process is writing to the same project."""


class ImageDiffersError(InputError):
    """Error: a file holds another image than the one that a project was made with."""


class IdTakenError(InputError):
    """Error: a source was not added, because another one of the user's own has its id.

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
    """Error: an image of two values was given as labels, and may be one object or many.

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
    """Exception that unwinds a job that was asked to stop."""
