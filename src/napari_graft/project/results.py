"""The segmentations of the image: those a window made, one a run, and those written to files."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import atomic
from napari_graft.io.documents import Document, read_document, write_document
from napari_graft.io.integrity import PixelRecord
from napari_graft.project.folder import refuse_links_below
from napari_graft.project.image_file import from_stored_path, to_stored_path
from napari_graft.project.run import RUN_ID

_log = logging.getLogger(__name__)


class ResultRecord(Document):
    """Record of a finished segmentation; it lies in files beside the record.

    Parameters
    ----------
    run
        Id of the run that made it.
    start, shape
        The box of the image that was segmented.
    n_objects
        How many objects were found.
    made_of
        The pixels of the image that it was made of, None where that was not written down.
    """

    run: str = Field(pattern=RUN_ID)
    start: tuple[int, ...]
    shape: tuple[int, ...]
    n_objects: int = Field(ge=0)
    made_of: PixelRecord | None = None

    @property
    def region(self) -> Tile:
        """The box of the image that was segmented."""
        return Tile(self.start, self.shape)


@dataclass(frozen=True, slots=True)
class Result:
    """A finished segmentation with its files, both OME-Zarr images on the grid of its region."""

    record: ResultRecord
    labels: Path
    uncertainty: Path


class ResultStore:
    """Store of the segmentations in a folder; one whose record is missing is unfinished and does not count.

    Parameters
    ----------
    folder
        Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def labels_path(self, run_id: str) -> Path:
        """Return where the objects found by a run are written."""
        return self._folder / f"round-{run_id}.zarr"

    def uncertainty_path(self, run_id: str) -> Path:
        """Return where the uncertainty of a run is written."""
        return self._folder / f"round-{run_id}-uncertainty.zarr"

    def make_folder(self) -> None:
        """Make the folder, so that results can be written.

        Raises
        ------
        InputError
            If an earlier or unfinished result in it holds a link.
        StorageError
            If it cannot be made.
        """
        with atomic.storage_errors(self._folder):
            self._folder.mkdir(exist_ok=True)
        refuse_links_below(self._folder, self._folder.parent, with_large=True)

    def add(self, record: ResultRecord) -> Result:
        """Let a segmentation that was written to the paths of its run count.

        Raises
        ------
        StorageError
            If the disk is full.
        """
        write_document(self._record_path(record.run), record)
        return Result(record, self.labels_path(record.run), self.uncertainty_path(record.run))

    def find(self, run_id: str) -> Result | None:
        """Return the segmentation of a run, None where there is none or it is damaged."""
        path = self._record_path(run_id)
        labels, uncertainty = self.labels_path(run_id), self.uncertainty_path(run_id)
        if not (path.is_file() and labels.is_dir() and uncertainty.is_dir()):
            return None
        try:
            for folder in (labels, uncertainty):
                refuse_links_below(folder, self._folder.parent, with_large=True)
            return Result(read_document(ResultRecord, path, "segmentation"), labels, uncertainty)
        except InputError as error:
            _log.warning("left out: %s", error)
            return None

    def _record_path(self, run_id: str) -> Path:
        return self._folder / f"round-{run_id}.json"


_FILE = Path("results", "written.json")
_MOST = 8


class WrittenResult(BaseModel):
    """A file with a segmentation.

    Parameters
    ----------
    path
        Where it is: relative to the project's folder where it lies near that, as the image is.
    run, source
        Id of the run that made it, or of the source that did so untouched; both None where that is not known.
    n_objects
        How many objects were found.
    made_of
        The pixels of the image that it was made of, None where that was not written down.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: str
    run: str | None = None
    source: str | None = None
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
    folder: Path,
    file: Path,
    run: str | None,
    n_objects: int,
    made_of: PixelRecord | None = None,
    source: str | None = None,
) -> WrittenResult:
    """Remember a file, in place of what was written to it before; see `WrittenResult`.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    stored = to_stored_path(str(file), folder)
    result = WrittenResult(path=stored, run=run, source=source, n_objects=n_objects, made_of=made_of)
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
