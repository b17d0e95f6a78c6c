"""What is kept of the proofreading of a result: its edits, what is locked, and what was looked at."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_graft.core.errors import DamagedFileError
from napari_graft.core.tile import Tile
from napari_graft.io import atomic
from napari_graft.io.documents import DamageLog, Document, read_document, write_document
from napari_graft.project.folder import PROOFREADING

ReviewState = Literal["open", "fixed", "accepted", "skipped"]


class ReviewEntry(BaseModel):
    """One or two objects to look at, and what came of it.

    Parameters
    ----------
    ids
        The object, or the two of which it is asked whether they are one.
    reason, words
        Why, by the name of the reason and in words.
    position
        Pixel of the result to look at.
    start, shape
        The box of the result to look at.
    score
        Expected gain; see `Suspicion`.
    state
        Whether it waits, or what was decided.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    ids: tuple[int, ...] = Field(min_length=1, max_length=2)
    reason: str
    words: str
    position: tuple[int, ...]
    start: tuple[int, ...]
    shape: tuple[int, ...]
    score: float
    state: ReviewState = "open"

    @property
    def box(self) -> Tile:
        """The box to look at."""
        return Tile(self.start, self.shape)

    @property
    def is_question(self) -> bool:
        """Whether yes or no suffices: whether these two are one object."""
        return len(self.ids) == 2


class Review(Document):
    """What is locked in a result, and what was looked at.

    Parameters
    ----------
    locked
        Ids of the objects that no tool changes.
    entries
        What to look at, in the order in which it was found.
    """

    locked: tuple[int, ...] = ()
    entries: tuple[ReviewEntry, ...] = ()

    @property
    def n_seen(self) -> int:
        """Number of entries that were looked at."""
        return sum(entry.state != "open" for entry in self.entries)


class ReviewStore:
    """Store of what belongs to the proofreading of one result, in the folder of a project.

    Parameters
    ----------
    folder
        Of the project.
    name
        Of the result; see `review_name`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder / PROOFREADING
        self._path = self._folder / f"{name}.json"
        self.edits = self._folder / f"{name}.edits"
        """File of the journal of the edits."""

    def make_folder(self) -> None:
        """Make the folder, so that the edits can be written.

        Raises
        ------
        StorageError
            If it cannot be made.
        """
        with atomic.storage_errors(self._folder):
            self._folder.mkdir(exist_ok=True)

    def read(self, damage: DamageLog) -> Review:
        """Return what is kept; a damaged file is set aside, and told of.

        Raises
        ------
        InputError
            If it is of a newer version, or cannot be read.
        """
        if not self._path.exists():
            return Review()
        try:
            return read_document(Review, self._path, "list of objects to look at")
        except DamagedFileError as error:
            damage.set_aside(error, self._path)
            return Review()

    def write(self, review: Review) -> None:
        """Keep it, wholly or not at all.

        Raises
        ------
        StorageError
            If the disk is full.
        """
        write_document(self._path, review)


def review_name(file: Path, stored_path: str) -> str:
    """Return the name that what belongs to a result has: that of its file, and what tells two of one name.

    >>> review_name(Path("a/cells.tif"), "../a/cells.tif")
    'cells.tif-de3ea24e'
    """
    return f"{file.name}-{blake2b(stored_path.encode(), digest_size=4).hexdigest()}"
