"""A project: one image, what was painted on it, and what was trained on that."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType

from napari_graft.annotation.journal import Journal, JournalEntry
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.annotation.store import AnnotationStore
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume
from napari_graft.project.image_choice import ImageChoice, from_stored_path
from napari_graft.project.lock import WriterLock
from napari_graft.project.manifest import ProjectManifest
from napari_graft.project.run import Run
from napari_graft.project.run_store import RunStore
from napari_graft.project.signature import ImageSignature
from napari_graft.project.suggestions import SuggestionList
from napari_graft.sources.document import read_document, write_document
from napari_graft.sources.spec import ModelSpec

MANIFEST, SUGGESTIONS = "project.json", "suggestions.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Budget:
    """Say what a project has cost so far.

    Parameters
    ----------
    n_tiles, n_pixels
        Annotated tiles and the pixels in them.
    fraction
        Share of the image that these are, 0 to 1.
    n_runs, seconds
        Runs, and the seconds that they trained.
    """

    n_tiles: int
    n_pixels: int
    fraction: float
    n_runs: int
    seconds: float


class Project:
    """Hold an open project; made by `create_project` and `open_project`.

    Use it as a context manager, or call `close`, so that others can write.

    Parameters
    ----------
    folder
        Where it is.
    manifest
        What it knows about its image.
    lock
        The lock of its one writer, None where it is open for reading.
    """

    def __init__(self, folder: Path, manifest: ProjectManifest, lock: WriterLock | None = None) -> None:
        self.folder = folder
        self._manifest = manifest
        self._lock = lock
        self.annotations = AnnotationStore(folder / "annotations", writable=self.is_writable)
        self.journal = Journal(folder / "journal.jsonl", writable=self.is_writable)
        self.runs = RunStore(folder / "runs", writable=self.is_writable)

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others write; this project can no longer be used."""
        if self._lock is not None:
            self._lock.release()

    @property
    def is_writable(self) -> bool:
        """Say whether it was opened for writing."""
        return self._lock is not None

    @property
    def manifest(self) -> ProjectManifest:
        """What is known about the image."""
        return self._manifest

    def update_manifest(self, **changes: object) -> None:
        """Write the manifest anew with some fields changed.

        Raises
        ------
        InputError
            If a value does not fit, or the project was opened for reading.
        StorageError
            If the disk is full; the old manifest stays.
        """
        self._require_writable()
        try:
            manifest = ProjectManifest.model_validate(self._manifest.model_dump() | changes)
        except ValueError as error:
            raise InputError(f"the project cannot take {changes}: {error}") from None
        write_document(self.folder / MANIFEST, manifest)
        self._manifest = manifest

    @property
    def image(self) -> ImageChoice:
        """The image, by its absolute path, and how it is read."""
        known = self._manifest
        return ImageChoice(
            from_stored_path(known.image, self.folder),
            known.declared_axes,
            known.pixel_size,
            known.unit,
            known.channel,
        )

    @property
    def is_image_changed(self) -> bool:
        """Say whether the image's file is another than when the project was made, or cannot be read."""
        try:
            return ImageSignature.of(self.image.file) != self._manifest.signature
        except OSError:
            return True

    @cached_property
    def volume(self) -> Volume:
        """The image, opened lazily; a change of its file since the project was made is logged.

        Raises
        ------
        InputError
            If the file is missing, or holds an image of another shape.
        """
        image = self.image
        if not image.file.exists():
            raise InputError(
                f"the image {image.path!r} of project {str(self.folder)!r} is missing: put it back, "
                "or make a new project with the image where it is now"
            )
        volume = image.open()
        if volume.shape != self._manifest.shape:
            raise InputError(
                f"the image {image.path!r} has shape {volume.shape}, it had {self._manifest.shape} when "
                f"project {str(self.folder)!r} was made: put the right image back, or make a new project"
            )
        if self.is_image_changed:
            _log.warning("the image %s has changed since the project was made", image.path)
        return volume

    def accept(self, labelled_tile: LabelledTile, *, who: str, model: str | None = None) -> LabelledTile:
        """Store what was painted on a tile, and note it in the journal.

        Parameters
        ----------
        labelled_tile
            The tile; its role is decided here.
        who
            Who painted it.
        model
            Source or run whose segmentation was corrected, None where it was painted from nothing.

        Raises
        ------
        InputError
            If the tile is not wholly inside the image, overlaps another, or the project is open for reading.
        StorageError
            If the disk is full; then the tile is as it was before, or only the note is missing.
        """
        tile = labelled_tile.tile
        if tile.ndim != len(self._manifest.shape) or not Tile(
            (0,) * tile.ndim, self._manifest.shape
        ).contains(tile):
            raise InputError(
                f"the tile at {tile.start} of shape {tile.shape} is not wholly inside the image of shape "
                f"{self._manifest.shape}: choose a tile inside"
            )
        stored = self.annotations.write(labelled_tile)
        details: dict[str, str | int | float | bool | None] = {
            "start": str(tile.start),
            "shape": str(tile.shape),
            "round": labelled_tile.round,
        }
        self.journal.append(JournalEntry(who=who, what="accept tile", model=model, details=details))
        return stored

    def store_suggestions(self, suggestions: SuggestionList) -> None:
        """Keep suggestions in place of the earlier ones.

        Raises
        ------
        InputError
            If the project was opened for reading.
        StorageError
            If the disk is full; the earlier ones stay.
        """
        self._require_writable()
        write_document(self.folder / SUGGESTIONS, suggestions)

    def suggestions(self) -> SuggestionList:
        """Return the suggestions that were stored last, an empty list where there are none.

        Raises
        ------
        InputError
            If their file is damaged.
        """
        path = self.folder / SUGGESTIONS
        return read_document(SuggestionList, path, "suggestions") if path.exists() else SuggestionList()

    def new_run(self, source: str, spec: ModelSpec, **more: object) -> Run:
        """Start a run on the tiles that are annotated now; `more` are other fields of `RunRecord`.

        Raises
        ------
        InputError
            If no tile is annotated, or the project was opened for reading.
        StorageError
            If the disk is full.
        """
        n_tiles = len(self.annotations.tiles())
        if n_tiles == 0:
            raise InputError(
                f"project {str(self.folder)!r} has no annotated tile: annotate one before training"
            )
        return self.runs.start(source, spec, n_tiles, **more)

    def latest_run(self) -> Run | None:
        """Return the run whose model is in use, None before the first."""
        return self.runs.latest()

    def budget(self) -> Budget:
        """Return what the project has cost so far."""
        tiles, runs = self.annotations.tiles(), self.runs.all()
        n_pixels = sum(tile.n_pixels for tile in tiles)
        image = Tile((0,) * len(self._manifest.shape), self._manifest.shape)
        seconds = sum(run.record.seconds for run in runs)
        return Budget(len(tiles), n_pixels, n_pixels / image.n_pixels, len(runs), seconds)

    def _require_writable(self) -> None:
        if not self.is_writable:
            raise InputError(f"project {str(self.folder)!r} is open for reading: open it for writing")
