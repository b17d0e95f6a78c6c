"""The training runs of a project, and the trials of several sources that are made of such."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io import atomic
from napari_graft.io.documents import DamageLog, Document, read_document, write_document
from napari_graft.project.run import RECORD, Run, RunRecord, open_run
from napari_graft.sources.card import LeadingScore
from napari_graft.sources.network_spec import ModelSpec

_NUMBER = re.compile("p?[0-9]{4,12}")
_PREPARED = "p"
"""How the ids of prepared sources begin."""


def _full_id(run_id: str) -> str:
    """Return an id with its leading zeros."""
    prefix = _PREPARED if run_id.startswith(_PREPARED) else ""
    return prefix + run_id.removeprefix(_PREPARED).zfill(4)


def _number(folder: Path, prefix: str) -> int:
    """Return the number of a run of one kind, 0 for one of the other."""
    digits = folder.name.removeprefix(_PREPARED)
    return int(digits) if folder.name == prefix + digits else 0


def _unfinished(runs: Sequence[Run]) -> Run | None:
    last = next((run for run in reversed(runs) if not run.is_empty), None)
    if last is None or last.record.stopped_by is not None or last.newest_state is None:
        return None
    return last


class RunStore:
    """Store of the runs in a folder, one in each subfolder: rounds of training, and prepared sources.

    Parameters
    ----------
    folder
        Where the runs are.
    writable
        Whether runs may be started.
    damage
        Told of runs that are left out.
    """

    def __init__(self, folder: Path, *, writable: bool = True, damage: DamageLog | None = None) -> None:
        self._folder = folder
        self._writable = writable
        self._damage = damage or DamageLog(writable=False)

    def all(self) -> list[Run]:
        """Return the rounds in the order in which they were started; a broken one is left out and told of."""
        return [run for run in self._open_all() if not run.is_prepared]

    def prepared(self) -> list[Run]:
        """Return the prepared sources, finished or not, in the order in which they were started."""
        return [run for run in self._open_all() if run.is_prepared]

    def _open_all(self) -> list[Run]:
        runs = []
        for folder in self._folders():
            # Killed between making the folder and writing the record: nothing was done yet.
            if not os.path.lexists(folder / RECORD):
                continue
            try:
                runs.append(open_run(folder))
            except InputError as error:
                self._damage.tell(f"left out: {error}")
        return runs

    def get(self, run_id: str) -> Run:
        """Return a run by its id, leading zeros aside, or the one in use for ``"latest"``.

        Raises
        ------
        InputError
            If there is none, or it is broken.
        """
        if run_id == "latest":
            latest = self.latest()
            if latest is None:
                raise InputError(self._describe_missing())
            return latest
        folder = self._folder / _full_id(run_id)
        if not _NUMBER.fullmatch(folder.name) or not folder.is_dir():
            known = ", ".join(run.id for run in self._open_all()) or "none yet"
            raise InputError(f"the project has no run {run_id!r}: choose one of {known}")
        return open_run(folder)

    def _describe_missing(self) -> str:
        worse = [run.id for run in self.all() if run.is_finished]
        if not worse:
            return "the project has no finished run yet: train first, or name a source"
        return (
            f"no run was better than what it started from ({', '.join(worse)}): "
            "name one of them or a source, or annotate more tiles and train again"
        )

    def latest(self) -> Run | None:
        """Return the run whose model is in use: the last that ended and was no worse than the one before."""
        return next((run for run in reversed(self.all()) if run.is_finished and run.record.kept), None)

    def keep(self, run_id: str, kept: bool) -> Run:
        """Let a finished run be used, or roll it back; which one is in use then follows from `latest`.

        Raises
        ------
        InputError
            If there is no such run, it left no model, or the project was opened for reading.
        StorageError
            If the disk is full; the run stays as it was.
        """
        self._require_writable()
        run = self.get(run_id)
        if not run.is_finished:
            raise InputError(f"run {run.id} is not finished and has no model to use: train again")
        return run.update(kept=kept)

    def unfinished(self) -> Run | None:
        """Return the last run where it was cut off and left a state to go on from."""
        return _unfinished(self.all())

    def unfinished_preparation(self) -> Run | None:
        """Return the last prepared source where that was cut off and left a state to go on from."""
        return _unfinished(self.prepared())

    def clear_leftovers(self) -> None:
        """Remove what killed trainings left: runs that never began, and the state of finished ones.

        To be called by the one that trains, before it starts a run.

        Raises
        ------
        InputError
            If the project was opened for reading.
        StorageError
            If something cannot be removed.
        """
        self._require_writable()
        with atomic.storage_errors(self._folder):
            for folder in self._folders():
                if _never_began(folder):
                    # The record last: a folder without one counts as one that never began.
                    for path in sorted(folder.iterdir(), key=lambda path: path.name == RECORD):
                        path.unlink()
                    folder.rmdir()
            for run in self._open_all():
                if run.is_finished:
                    run.remove_state()

    def start(self, source: str, spec: ModelSpec, n_tiles: int, **more: object) -> Run:
        """Make the folder and the record of a new run; `more` are other fields of `RunRecord`.

        Raises
        ------
        InputError
            If the project was opened for reading.
        StorageError
            If the disk is full.
        """
        self._require_writable()
        prefix = _PREPARED if more.get("pretraining") is not None else ""
        number = max((_number(folder, prefix) for folder in self._folders()), default=0) + 1
        fields = {"id": f"{prefix}{number:04d}", "source": source, "spec": spec, "n_tiles": n_tiles}
        record = RunRecord.model_validate(fields | more)
        folder = self._folder / record.id
        with atomic.storage_errors(folder):
            folder.mkdir(parents=True)
        write_document(folder / RECORD, record)
        return Run(folder, record)

    def _require_writable(self) -> None:
        if not self._writable:
            raise InputError(f"runs {str(self._folder)!r} are open for reading: open the project for writing")

    def _folders(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        found = (path for path in self._folder.iterdir() if _NUMBER.fullmatch(path.name) and path.is_dir())
        return sorted(found, key=lambda folder: int(folder.name.removeprefix(_PREPARED)))


def _never_began(folder: Path) -> bool:
    """Say whether a run was killed before it had anything but its record."""
    files = list(folder.iterdir())
    if folder.is_symlink() or not all(path.is_file() for path in files):
        return False
    kept = {path.name for path in files if path.suffix != atomic.TEMPORARY_SUFFIX}
    try:
        return not kept or (kept == {RECORD} and open_run(folder).record.stopped_by is None)
    except InputError:  # damaged, which is for the user to see
        return False


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

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)

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
