"""What a training, a merge, a bridge or a pretraining came to, as the commands print it with `--json`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from napari_graft.bridging.recipe import BridgeRecord
from napari_graft.merging.recipe import MergeRecipe
from napari_graft.pretraining.record import PretrainingRecord
from napari_graft.project.run import Run


class TrainReport(BaseModel):
    """What a training did, by the keys of ``train --json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    run: str
    source: str
    n_tiles: int
    steps: int
    seconds: float
    device: str
    stopped_by: str
    validation: dict[str, float]
    kept: bool
    resumed: bool
    note: str = ""
    share: float | None = None
    choice: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return the keys and values of ``train --json``."""
        return self.model_dump()


class MergeReport(BaseModel):
    """What a merge did, and what its model is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    training: TrainReport
    recipe: MergeRecipe

    def as_dict(self) -> dict[str, object]:
        """Return the keys and values of ``merge --json``: those of a training, and what it is made of."""
        recipe = self.recipe
        return self.training.as_dict() | {
            "method": recipe.method,
            "sources": list(recipe.references),
            "shares": dict(zip(recipe.references, recipe.shares, strict=True)),
            "layers": [layer.model_dump(mode="json") for layer in recipe.layers],
        }


class BridgeReport(BaseModel):
    """What a bridge did, and what its pairs promised before."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    training: TrainReport
    bridge: BridgeRecord

    def as_dict(self) -> dict[str, object]:
        """Return the keys and values of ``bridge --json``: those of a training, and what was bridged how.

        ``source`` is the id of the bridged source among the user's own, None where it was not kept.
        """
        told, record = self.training.as_dict(), self.bridge
        return told | {
            "source": record.source_id or None,
            "from_source": record.source,
            "method": record.method,
            "pairs": list(record.pairs),
            "n_pairs": record.n_pairs,
            "view": record.view,
            "consistency": record.consistency,
            "consistency_of_view": record.consistency_of_view,
            "suitability": None if record.suitability is None else record.suitability.model_dump(mode="json"),
        }


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
