"""A project: one image, what was painted on it, and what was trained on that."""

from __future__ import annotations

import html
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.journal import Journal, JournalEntry
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.annotation.store import AnnotationStore
from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume
from napari_graft.io.channels import RGB
from napari_graft.io.documents import DamageLog
from napari_graft.io.pixel_sizes import SizeNote
from napari_graft.project.auto import AutoFile
from napari_graft.project.comparison import Vote, votes_in
from napari_graft.project.documents import ProjectDocuments
from napari_graft.project.folder import ANNOTATIONS, RUNS, WriterLock
from napari_graft.project.image_file import ImageChoice, ImageSignature, from_stored_path, open_known_image
from napari_graft.project.manifest import ProjectManifest, store_manifest
from napari_graft.project.run import Run
from napari_graft.project.run_store import RunStore, TrialFiles
from napari_graft.sources.network_spec import ModelSpec

_log = logging.getLogger(__name__)


class Project(ProjectDocuments):
    """An open project; made by `create_project`, `open_project` and `open_delegate`.

    Use it as a context manager, or call `close`, so that others can write.

    Parameters
    ----------
    folder
        Where it is.
    manifest
        What it knows about its image.
    lock
        The lock of its one writer, None where it is open for reading.
    is_delegate
        Whether it trains on behalf of the writer, a process beside this one: then runs alone are written.
    damage
        Told of damaged files.
    """

    def __init__(
        self,
        folder: Path,
        manifest: ProjectManifest,
        lock: WriterLock | None = None,
        *,
        is_delegate: bool = False,
        damage: DamageLog,
    ) -> None:
        is_writable, bounds = lock is not None, manifest.shape
        super().__init__(folder, bounds, writable=is_writable, damage=damage)
        self._manifest = manifest
        self._lock = lock
        self.annotations = AnnotationStore(
            folder / ANNOTATIONS, writable=is_writable, bounds=bounds, damage=damage
        )
        self.journal = Journal(folder / "journal.jsonl", writable=is_writable, damage=damage)
        may_train = is_writable or is_delegate
        self.runs = RunStore(folder / RUNS, writable=may_train, damage=damage)
        self.trial = TrialFiles(folder / RUNS, writable=may_train, damage=damage)
        self.auto = AutoFile(folder, writable=is_writable, damage=damage)

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Project {describe_in_words(self)}>"

    def _repr_html_(self) -> str:
        return describe_as_html(self)

    def close(self) -> None:
        """Let others write; this project can no longer be used."""
        if self._lock is not None:
            self._lock.release()

    @property
    def manifest(self) -> ProjectManifest:
        """What is known about the image."""
        return self._manifest

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of damaged files that were met so far."""
        return self._damage.notes

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
        store_manifest(self.folder, manifest)
        self._manifest = manifest
        self.__dict__.pop("volume", None)  # it may be read in another way, or elsewhere, from now on

    @property
    def image(self) -> ImageChoice:
        """The image, by its absolute path, and how it is read."""
        known = self._manifest
        return ImageChoice(
            from_stored_path(known.image, self.folder),
            known.declared_axes,
            known.pixel_size,
            known.unit,
            # what was understood then counts: the channels of a project that names none are colours
            RGB if known.channel is None else known.channel,
        )

    @property
    def is_image_changed(self) -> bool:
        """Say whether the image's file is another than when the project was made, or cannot be read."""
        return self.image_signature() != self._manifest.signature

    def image_signature(self) -> ImageSignature | None:
        """Return what the image's file looks like now, None where it cannot be read."""
        try:
            return ImageSignature.of(self.image.file)
        except (OSError, DamagedFileError):
            return None

    @cached_property
    def volume(self) -> Volume:
        """The image, opened lazily; a change of its file since the project was made is logged.

        Raises
        ------
        InputError
            If the file is missing, or holds an image of another shape.
        """
        volume = open_known_image(self.image, self._manifest.shape, self.folder)
        if self.is_image_changed:
            _log.warning("the image %s has changed since the project was made", self.image.path)
        # What the project knows of the pixel size holds, also where the file would be read otherwise today.
        note = SizeNote(self._manifest.pixel_size_from, self._manifest.pixel_size_doubt)
        return replace(volume, axes=self._manifest.spatial_axes, size_note=note)

    def accept(
        self, labelled_tile: LabelledTile, *, who: str, model: str | None = None, seconds: float = 0.0
    ) -> LabelledTile:
        """Store what was painted on a tile, note it in the journal, and only then discard the tile's draft.

        Parameters
        ----------
        labelled_tile
            The tile; its role is decided here.
        who
            Who painted it.
        model
            Source or run whose segmentation was corrected, None where it was painted from nothing.
        seconds
            How long it was painted since it was last accepted, 0 where nobody measured that.

        Raises
        ------
        InputError
            If the tile is not wholly inside the image or overlaps another, the time is negative, or the
            project is open for reading.
        StorageError
            If the disk is full; then the tile is as it was before, or only the note is missing.
        """
        tile = labelled_tile.tile
        self._check_inside(tile)
        if not 0 <= seconds < float("inf"):
            raise InputError(f"a tile cannot be painted for {seconds} seconds: give 0 or more")
        stored = self.annotations.write(labelled_tile)
        details: dict[str, str | int | float | bool | None] = {
            "start": str(tile.start),
            "shape": str(tile.shape),
            "round": labelled_tile.round,
            "seconds": round(seconds, 1),
        }
        self.journal.append(JournalEntry(who=who, what=ACCEPT, model=model, details=details))
        self.draft(tile).discard()
        return stored

    def withdraw(self, tile: Tile, who: str) -> LabelledTile:
        """Let an accepted tile be a draft again, note it in the journal, and return what was accepted.

        What was painted on it since then stays as it is.

        Raises
        ------
        InputError
            If the tile is not annotated, or the project is open for reading.
        StorageError
            If the disk is full; then the tile is accepted still.
        """
        self._require_writable()
        accepted = self.annotations.read(tile)
        if self.draft(tile).restore() is None:
            self.draft(tile).append(accepted.labels, np.zeros_like(accepted.labels))
        details: dict[str, str | int | float | bool | None] = {
            "start": str(tile.start),
            "shape": str(tile.shape),
        }
        self.journal.append(JournalEntry(who=who, what="withdraw tile", details=details))
        self.annotations.remove(tile)
        return accepted

    def painted_seconds(self) -> float:
        """Return how long was painted on the accepted tiles."""
        return painted_seconds(self.journal.entries())

    def vote(self, winner: str, others: Sequence[str], tile: Tile, who: str) -> None:
        """Note that the segmentation of a source or run was better on a tile than those of others.

        Raises
        ------
        InputError
            If there are no others, or the project was opened for reading.
        StorageError
            If the disk is full.
        """
        self.journal.append(Vote(winner, tuple(others), tile, who).as_entry())

    def votes(self) -> list[Vote]:
        """Return the votes, the oldest first."""
        return list(votes_in(self.journal, self._damage))

    def new_run(self, source: str, spec: ModelSpec, *, n_tiles: int | None = None, **more: object) -> Run:
        """Start a run; `more` are other fields of `RunRecord`.

        Parameters
        ----------
        n_tiles
            Number of the annotated tiles that were read for it, None for those that there are now.

        Raises
        ------
        InputError
            If no tile is annotated, which a prepared source does without, or the project was opened for
            reading.
        StorageError
            If the disk is full.
        """
        if n_tiles is None:
            n_tiles = len(self.annotations.tiles())
        learned_from_none = more.get("bridge") is None and more.get("pretraining") is None
        if n_tiles == 0 and learned_from_none:
            raise InputError(
                f"project {str(self.folder)!r} has no annotated tile: annotate one before training"
            )
        return self.runs.start(source, spec, n_tiles, **more)

    def latest_run(self) -> Run | None:
        """Return the run whose model is in use, None before the first."""
        return self.runs.latest()

    def cost(self) -> ProjectCost:
        """Return what the project has cost so far."""
        tiles, runs = self.annotations.tiles(), self.runs.all()
        n_pixels = sum(tile.n_pixels for tile in tiles)
        image = Tile((0,) * len(self._manifest.shape), self._manifest.shape)
        seconds = sum(run.record.seconds for run in runs)
        return ProjectCost(len(tiles), n_pixels, n_pixels / image.n_pixels, len(runs), seconds)

    def _check_inside(self, tile: Tile) -> None:
        if not tile.is_inside(self._manifest.shape):
            raise InputError(
                f"the tile at {tile.start} of shape {tile.shape} is not wholly inside the image of shape "
                f"{self._manifest.shape}: choose a tile inside"
            )


@dataclass(frozen=True, slots=True)
class ProjectCost:
    """Cost of a project so far: annotated tiles, runs and training time.

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


ACCEPT = "accept tile"
_LONGEST = 1e9
"""Nobody paints for so many seconds."""


def painted_seconds(entries: Iterable[JournalEntry], until: datetime | None = None) -> float:
    """Return the seconds painted on the tiles that were accepted, up to a moment or in all.

    Entries that do not say how long, such as imports and those of the first version, count as 0.
    """
    accepted = (entry for entry in entries if entry.what == ACCEPT and (until is None or entry.when <= until))
    found = (entry.details.get("seconds") for entry in accepted)
    return float(sum(value for value in found if isinstance(value, int | float) and 0 <= value < _LONGEST))


SIDE = 192
# Enough to see what the image is, and quick to read from an image of any size.
_LARGEST_CUT = 4 * SIDE


def describe_in_words(project: Project) -> str:
    """Return one line: name, size, and how far the work on it is."""
    known = project.manifest
    shape = " × ".join(map(str, known.shape))
    n_tiles, n_runs = len(project.annotations.tiles()), len(project.runs.all())
    wanted = known.structure or "anything"
    return f"{project.folder.name}: {wanted} in {shape} {known.axes}, {n_tiles} painted tiles, {n_runs} runs"


def describe_as_html(project: Project) -> str:
    """Return the line with a picture of the middle of the image, or why the image cannot be read."""
    words = html.escape(describe_in_words(project))
    try:
        picture = _picture(project)
    except InputError as error:
        return f"<div>{words}</div><div>{html.escape(str(error))}</div>"
    return f'<div><img src="{picture}" width="{SIDE}" alt="middle of the image"></div><div>{words}</div>'


def _picture(project: Project) -> str:
    from napari_graft.report.drawing import picture_of

    cut = _middle_tile(project.manifest.shape)
    grey = project.volume.read(cut).reshape(cut.shape[-2:])
    return picture_of(_small(grey), "image", "the middle of the image").data_uri


def _middle_tile(shape: tuple[int, ...]) -> Tile:
    side = tuple(min(n, _LARGEST_CUT) if axis >= len(shape) - 2 else 1 for axis, n in enumerate(shape))
    return Tile(tuple((n - m) // 2 for n, m in zip(shape, side, strict=True)), side)


def _small(grey: NDArray[np.float32]) -> NDArray[np.uint8]:
    step = max(1, -(-max(grey.shape) // SIDE))
    small = grey[::step, ::step]
    low, high = np.percentile(small, (1, 99))
    return np.asarray(255 * np.clip((small - low) / max(high - low, 1e-6), 0, 1), np.uint8)
