"""What a trial of several sources found, and the trainings that it is made of."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io import atomic
from napari_graft.io.damage import DamageLog
from napari_graft.project.run_store import RunStore
from napari_graft.sources.card import LeadingScore
from napari_graft.sources.document import Document, read_document, write_document

TRIAL, TRAININGS = "trial.json", "trial"


class TrialOutcome(BaseModel):
    """Outcome of one source in a trial, on the held-out part.

    Parameters
    ----------
    source, title
        Its id, or the path it was named by, and what people read.
    score, loss
        After its training; None where nothing that suits was held out.
    score_untouched, loss_untouched
        Before it.
    steps, seconds
        How long it was trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    source: str
    title: str
    score: float | None = None
    loss: float | None = None
    score_untouched: float | None = None
    loss_untouched: float | None = None
    steps: int = Field(ge=0)
    seconds: float = Field(ge=0)


class StoredTrial(Document):
    """Stored trial of several sources.

    Parameters
    ----------
    sources
        Those to try, in the order of the ranking.
    n_tiles
        Annotated tiles that all were trained and judged on.
    measure
        Name of the score that decides: VI is better when lower, AP50 when higher.
    outcomes
        Of the sources that are done, in the same order.
    winner
        The best of them, None while the trial is not finished.
    run
        Id of the run that the winner became.
    kept
        Whether that run is in use now; not so where the one before is better on the held-out part.
    """

    sources: tuple[str, ...]
    n_tiles: int = Field(ge=1)
    measure: LeadingScore
    outcomes: tuple[TrialOutcome, ...] = ()
    winner: str | None = None
    run: str | None = None
    kept: bool = False


class TrialFiles:
    """Files of a trial in the folder of the runs: its record, and its trainings until they are judged.

    They lie beside the runs because a delegate, which writes nothing else, makes trials too.

    Parameters
    ----------
    folder
        Where the runs of the project are.
    writable
        Whether trials may be made.
    damage
        Told of a damaged record.
    """

    def __init__(self, folder: Path, *, writable: bool, damage: DamageLog) -> None:
        self._folder = folder
        self._writable = writable
        self._damage = damage
        self.trainings = RunStore(folder / TRAININGS, writable=writable, damage=damage)

    def load(self) -> StoredTrial | None:
        """Return the last trial, None where there never was any or its record is damaged.

        Raises
        ------
        InputError
            If it is of a newer format, or may not be read.
        """
        path = self._folder / TRIAL
        if not os.path.lexists(path):
            return None
        try:
            return read_document(StoredTrial, path, "trial")
        except DamagedFileError as error:
            self._damage.set_aside(error, path)
            return None

    def store(self, trial: StoredTrial) -> None:
        """Keep a trial in place of the earlier one.

        Raises
        ------
        InputError
            If the project was opened for reading.
        StorageError
            If the disk is full; the earlier one stays.
        """
        self._require_writable()
        write_document(self._folder / TRIAL, trial)

    def clear_trainings(self) -> None:
        """Remove the trainings: the winner is a run of its own by then, or they are out of date."""
        self._require_writable()
        with atomic.storage_errors(self._folder):
            shutil.rmtree(self._folder / TRAININGS, ignore_errors=True)

    def _require_writable(self) -> None:
        if not self._writable:
            raise InputError(f"trials in {str(self._folder)!r} are open for reading: open it for writing")
