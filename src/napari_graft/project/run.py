"""A training run of a project on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from napari_graft.bridging.recipe import BridgeRecord
from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io.documents import Document, read_document, write_document
from napari_graft.io.weights import load_metadata, load_tensors
from napari_graft.merging.recipe import MergeRecipe
from napari_graft.pretraining.record import PretrainingRecord
from napari_graft.sources.network_spec import ModelSpec

RUN_ID = r"^p?\d{4,}$"
"""Id of a run. That of a prepared source begins with a p, so that rounds have numbers of their own."""
RECORD, WEIGHTS, CHECKPOINT = "run.json", "weights.safetensors", "checkpoint.safetensors"
MIXING, MERGED = "mixing.safetensors", "merged.safetensors"
TRANSLATED = "translated.safetensors"


class RunMoment(BaseModel):
    """The losses at one moment of a run; a loss is None where it was not measured.

    Parameters
    ----------
    step, seconds
        Since the training began.
    loss
        Mean of the training loss since the moment before.
    held_out
        Loss on the pixels that were kept apart.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)

    step: int
    seconds: float
    loss: float | None = None
    held_out: float | None = None


class RunRecord(Document):
    """Record of a run, from its start on; an unfinished one can be resumed from what stands here.

    Parameters
    ----------
    id
        Number of the run, ``"0001"`` and on; of a prepared source ``"p0001"`` and on.
    source
        Id or path of the source that the training started from, or ``"scratch"``; of a merged network the
        names of all, joined by `` + ``.
    parent
        Id of the run that it went on from, None where it started from a source.
    merge
        What it was merged of, None where it started from one network.
    bridge
        How it was bridged to another modality, None where it was not. It learned from no tile then.
    pretraining
        How a source was prepared, None for what was trained on annotated tiles.
    spec
        The network.
    object_diameter
        Diameter of the wanted objects in pixels of the image that it was trained with, None where the pixel
        size decides or nothing was known.
    n_tiles
        Number of annotated tiles.
    settings
        What was asked for, such as the seed and the time budget, by name.
    steps, seconds, device
        What was done.
    stopped_by
        Why it ended, None while it is unfinished.
    history
        Losses over the training.
    validation
        Scores on the pixels that were kept apart, by name.
    kept
        Whether it is no worse there than the model in use before, so that it took its place.
    decode
        Settings that turn its output into instances, by name.
    share
        Which part of the way from the weights that it started from to the trained ones was kept: 0 for none
        of it, 1 for all. None where there was no choice, as after a training from scratch.
    choice
        Why it was not all of the way, in words; empty where it was.
    has_objects
        Whether an object was painted on its tiles. Without one there is nothing to learn, and its model does
        not take over.
    note
        Why scores are missing or it did not take over, empty where there is nothing to say.
    created
        When it was started.
    """

    id: str = Field(pattern=RUN_ID)
    source: str
    parent: str | None = None
    merge: MergeRecipe | None = None
    bridge: BridgeRecord | None = None
    pretraining: PretrainingRecord | None = None
    spec: ModelSpec
    object_diameter: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    n_tiles: int = Field(ge=0)
    settings: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    steps: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0)
    device: str = ""
    stopped_by: str | None = None
    history: tuple[RunMoment, ...] = ()
    validation: dict[str, float] = Field(default_factory=dict)
    kept: bool = False
    decode: dict[str, float] = Field(default_factory=dict)
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    choice: str = ""
    has_objects: bool = True
    note: str = ""
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its record and its files.

    The process that a project's writer lets train writes the files of this run; it needs no lock of its own.

    Parameters
    ----------
    folder
        Where the files are.
    record
        What the run is.
    """

    folder: Path
    record: RunRecord

    @property
    def id(self) -> str:
        """Number of the run, as its folder is called."""
        return self.record.id

    @property
    def weights_path(self) -> Path:
        """File of the best weights."""
        return self.folder / WEIGHTS

    @property
    def checkpoint_path(self) -> Path:
        """File of the state of an unfinished training."""
        return self.folder / CHECKPOINT

    @property
    def mixing_path(self) -> Path:
        """File of the state of the first half of an unfinished merge or bridge.

        A half of several trainings has files beside it, ``mixing-1.safetensors`` and so on.
        """
        return self.folder / MIXING

    @property
    def merged_path(self) -> Path:
        """File of the merged or translated weights that the second half starts from."""
        return self.folder / MERGED

    @property
    def translated_path(self) -> Path:
        """File of a tile of the image as it is and as a bridged network is shown it, where there is one."""
        return self.folder / TRANSLATED

    @property
    def newest_state(self) -> Path | None:
        """File to go on from where it was cut off, None where there is none."""
        states = (self.checkpoint_path, self.merged_path, self.mixing_path)
        return next((path for path in states if path.is_file()), None)

    @property
    def is_empty(self) -> bool:
        """Say whether it was cut off before there was anything to keep or to go on from."""
        is_cut_off = self.record.stopped_by is None and self.newest_state is None
        return is_cut_off and not self.weights_path.is_file()

    def remove_state(self) -> None:
        """Remove what an unfinished training goes on from."""
        parts = self.folder.glob(f"{self.mixing_path.stem}-*{self.mixing_path.suffix}")
        for path in (self.checkpoint_path, self.mixing_path, self.merged_path, *parts):
            path.unlink(missing_ok=True)

    @property
    def is_prepared(self) -> bool:
        """Say whether it is a source that was prepared, and no round of training."""
        return self.record.pretraining is not None

    @property
    def is_finished(self) -> bool:
        """Say whether it ended and left weights."""
        return self.record.stopped_by is not None and self.weights_path.is_file()

    def update(self, **changes: object) -> Run:
        """Write the record anew with some fields changed, and return the run that holds it.

        Raises
        ------
        StorageError
            If the disk is full; the old record stays.
        """
        record = RunRecord.model_validate(self.record.model_dump() | changes)
        write_document(self.folder / RECORD, record)
        return replace(self, record=record)

    def finish(self, **changes: object) -> Run:
        """Write the record of a training that ended, and remove what it would have gone on from.

        The weights are to be written before. `changes` are fields of `RunRecord` and hold ``stopped_by``.
        """
        run = self.update(**changes)
        run.remove_state()
        return run

    def load_weights(self) -> dict[str, NDArray[Any]]:
        """Return the weights by name.

        Raises
        ------
        InputError
            If the run left none, or the file is damaged or that of another run.
        """
        if not self.weights_path.is_file():
            raise InputError(f"run {self.id} has no weights: train again, or choose a finished run")
        try:
            weights, words = load_tensors(self.weights_path)
        except DamagedFileError as error:
            raise DamagedFileError(f"run {self.id} cannot be used: {error}, or choose another run") from None
        if words.get("run", self.id) != self.id:
            raise DamagedFileError(
                f"weights {str(self.weights_path)!r} are those of run {words['run']}: restore those of run "
                f"{self.id} from a backup, or choose another run"
            )
        return weights


def open_run(folder: Path) -> Run:
    """Open the run in a folder.

    Raises
    ------
    InputError
        If its record is missing, damaged, of a newer format or of another run.
    """
    record = read_document(RunRecord, folder / RECORD, "run")
    if record.id != folder.name:
        raise InputError(
            f"run {str(folder)!r} holds the record of run {record.id}: give the folder its name back"
        )
    return Run(folder, record)


def checkpoint_age(path: Path) -> tuple[int, float]:
    """Return the steps and seconds that a checkpoint's training had used; needs no torch.

    Raises
    ------
    InputError
        If the file is missing, damaged or no checkpoint.
    """
    try:
        record = json.loads(load_metadata(path)["training"])
        return int(record["steps"]), float(record["seconds"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path} is no checkpoint of a training: train anew") from None
