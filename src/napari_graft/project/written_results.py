"""The segmentations of the whole image that were written to files of the user's choice."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from napari_graft.core.errors import InputError
from napari_graft.io import atomic
from napari_graft.io.pixel_record import PixelRecord
from napari_graft.project.image_choice import from_stored_path, to_stored_path
from napari_graft.sources.document import Document, read_document, write_document

_FILE = Path("results", "written.json")
_MOST = 8


class WrittenResult(BaseModel):
    """A file with a segmentation.

    Parameters
    ----------
    path
        Where it is: relative to the project's folder where it lies near that, as the image is.
    run
        Id of the run that made it.
    n_objects
        How many objects were found.
    made_of
        The pixels of the image that it was made of, None where that was not written down.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    run: str
    n_objects: int = Field(ge=0)
    made_of: PixelRecord | None = None

    def file(self, folder: Path) -> Path:
        """Return where the file of the project in `folder` is."""
        return Path(from_stored_path(self.path, folder))


class WrittenResults(Document):
    """List of written files, the last one at the end."""

    results: tuple[WrittenResult, ...] = ()


def written_results(folder: Path) -> tuple[WrittenResult, ...]:
    """Return the segmentations that were written for the project in `folder` and are still there."""
    return tuple(one for one in _read(folder).results if one.file(folder).exists())


def note_written_result(
    folder: Path, file: Path, run: str, n_objects: int, made_of: PixelRecord | None = None
) -> WrittenResult:
    """Remember a file, in place of what was written to it before.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    stored = to_stored_path(str(file), folder)
    result = WrittenResult(path=stored, run=run, n_objects=n_objects, made_of=made_of)
    others = [one for one in _read(folder).results if one.path != result.path]
    path = folder / _FILE
    with atomic.storage_errors(path):
        path.parent.mkdir(exist_ok=True)
    write_document(path, WrittenResults(results=(*others, result)[-_MOST:]))
    return result


def _read(folder: Path) -> WrittenResults:
    try:
        return read_document(WrittenResults, folder / _FILE, "list of results")
    except InputError:  # missing or damaged: the files can still be opened by hand
        return WrittenResults()
