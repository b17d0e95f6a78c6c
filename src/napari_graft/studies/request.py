"""What the benchmarks are asked that adapt sources to every labelled set."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_graft.io.outputs import Outputs
from napari_graft.studies.targets import RANKING_TARGETS, LabelledSet
from napari_graft.studies.transfer import TransferPlan

_QUICK_STEPS = 6


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Request for a benchmark in which every labelled set plays the unknown image.

    Parameters
    ----------
    out
        Folder for the result and for all that is found on the way, which is used again; so are the results
        of the other benchmarks in it.
    data, recipes
        Folders with the labelled sets and with the recipes of the sources.
    n_seeds
        Choices of tiles and trainings.
    targets
        The sets.
    plan
        How networks are trained.
    is_family_only
        Whether only sources of the target's family are looked at.
    outputs
        What may be written where.
    """

    out: Path
    data: Path
    recipes: Path
    n_seeds: int = 1
    targets: tuple[LabelledSet, ...] = RANKING_TARGETS
    plan: TransferPlan = field(default_factory=TransferPlan)
    is_family_only: bool = True
    outputs: Outputs = field(default_factory=Outputs)

    def quick(self) -> TransferRequest:
        """Return a request for one target and hardly any training, to see whether it runs."""
        plan = replace(self.plan, steps=_QUICK_STEPS)
        return replace(self, targets=self.targets[:1], n_seeds=1, plan=plan)
