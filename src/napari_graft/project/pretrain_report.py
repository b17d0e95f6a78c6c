"""What a pretraining came to, as `pretrain --json` prints it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from napari_graft.pretraining.record import PretrainingRecord
from napari_graft.project.run import Run


class PretrainReport(BaseModel):
    """What a pretraining did, by the keys of ``pretrain --json``.

    Parameters
    ----------
    run
        Id of the prepared source, which a training can start from.
    source
        What was prepared.
    steps, seconds, device, stopped_by
        What was done; ``replay`` where it ended because the replay loss had risen.
    pretraining
        What it was prepared on, the curves and the terms.
    resumed
        Whether it went on where an earlier one was cut off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    run: str
    source: str
    steps: int
    seconds: float
    device: str
    stopped_by: str
    pretraining: PretrainingRecord
    resumed: bool

    @property
    def is_changed(self) -> bool:
        """Whether the prepared source differs from what it was made of."""
        return self.pretraining.best_step > 0

    def as_dict(self) -> dict[str, object]:
        """Return the keys and values of ``pretrain --json``."""
        own = self.model_dump(mode="json", exclude={"pretraining"})
        return own | {"is_changed": self.is_changed} | self.pretraining.model_dump(mode="json")

    @classmethod
    def of(cls, run: Run, *, is_resumed: bool = False) -> PretrainReport:
        """Return what a finished pretraining came to; the run must be one."""
        record = run.record
        assert record.pretraining is not None
        return cls(
            run=record.id,
            source=record.source,
            steps=record.steps,
            seconds=record.seconds,
            device=record.device,
            stopped_by=record.stopped_by or "",
            pretraining=record.pretraining,
            resumed=is_resumed,
        )
