"""The record of rounds that go on by themselves until a budget is spent, file ``auto.json`` of a project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io.documents import DamageLog, Document, read_document, write_document

EndedBy = Literal["", "tiles", "time", "flat", "no tiles", "cancel"]
"""Why no further round was begun; empty while they go on."""


class AutoRound(BaseModel):
    """One round: tiles that were painted, and the training on all so far.

    Parameters
    ----------
    n_tiles
        Tiles painted in all when it was trained.
    run
        The run that it made.
    kept
        Whether its model is no worse than the one before, and in use.
    seconds
        Time of the training.
    score, before
        Its score on the held-out part and that of the model it had to beat, VI or AP50; None where nothing
        could be measured.
    n_objects, border
        What was painted in this round: objects, and pixels of border between them.
    painting_seconds
        Time that a person is expected to need for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    n_tiles: int
    run: str
    kept: bool
    seconds: float
    score: float | None
    before: float | None
    n_objects: int
    border: int
    painting_seconds: float


class AutoPlan(BaseModel):
    """What rounds were asked for, by which they are known again when they were cut off.

    Parameters
    ----------
    labels
        Where the labels come from.
    n_tiles
        Tiles to paint in all, those from before among them.
    per_round
        Tiles of a round.
    seconds, steps
        Time of the computer for all of it, None where only steps count; and training steps of a round, None
        where only the time counts.
    source, strategy, seed
        What the first round starts from, how tiles are chosen, and what decides all that is random.
    tile
        Side of a tile, None for one that suits the objects.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    labels: str
    n_tiles: int
    per_round: int
    seconds: float | None
    steps: int | None
    source: str
    strategy: str
    seed: int
    tile: int | None = None


class StoredAuto(Document):
    """Rounds so far.

    Parameters
    ----------
    plan
        What was asked for.
    source
        The source that the first round starts from; empty before it is found.
    seconds
        Time used so far.
    rounds
        The rounds that are finished.
    ended_by, words
        Why no further round was begun, and the same in words.
    """

    plan: AutoPlan
    source: str = ""
    seconds: float = Field(default=0.0, ge=0, lt=float("inf"))
    rounds: tuple[AutoRound, ...] = ()
    ended_by: EndedBy = ""
    words: str = ""


class AutoFile:
    """File with the rounds of a project that went on by themselves.

    Parameters
    ----------
    folder
        Where it lies.
    writable
        Whether it may be written.
    damage
        Told of a damaged file, which it sets aside.
    """

    def __init__(self, folder: Path, *, writable: bool, damage: DamageLog) -> None:
        self._path = folder / "auto.json"
        self._writable = writable
        self._damage = damage

    def load(self, plan: AutoPlan) -> StoredAuto:
        """Return the rounds of a plan that were cut off, or a record without any round."""
        if os.path.lexists(self._path):
            try:
                found = read_document(StoredAuto, self._path, "record of rounds")
            except DamagedFileError as error:
                self._damage.set_aside(error, self._path)
            else:
                if found.plan == plan and found.ended_by in ("", "cancel"):
                    return found.model_copy(update={"ended_by": "", "words": ""})
        return StoredAuto(plan=plan)

    def store(self, rounds: StoredAuto) -> None:
        """Write the record.

        Raises
        ------
        InputError
            If the project was opened for reading.
        StorageError
            If it cannot be written.
        """
        if not self._writable:
            raise InputError(f"{str(self._path)!r} is open for reading: open the project for writing")
        write_document(self._path, rounds)
