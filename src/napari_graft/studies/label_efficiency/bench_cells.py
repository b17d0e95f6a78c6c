"""The cells of a table of benches: each is filled once, and a bench is made only where one is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.documents import Document
from napari_graft.studies.label_efficiency.arms import ArmPlan, EfficiencyBench
from napari_graft.studies.results import KeptResults
from napari_graft.studies.targets import LabelledSet

Asked = Mapping[str, object]
"""The fields of a cell by which it is known again."""
D = TypeVar("D", bound=Document)


class BenchRequest(Protocol):
    """What the requests of benchmarks have in common that fill such tables."""

    @property
    def data(self) -> Path:
        """Folder that holds the targets."""

    @property
    def targets(self) -> tuple[LabelledSet, ...]:
        """The data sets."""

    @property
    def n_seeds(self) -> int:
        """Runs of each target, with the seeds from 0 on."""

    @property
    def plan(self) -> ArmPlan:
        """How networks are trained."""

    @property
    def least_objects(self) -> int:
        """Of the test part of a target."""


@dataclass(frozen=True, slots=True)
class BenchCells(Generic[D]):
    """Cells of all targets and seeds of a request.

    Parameters
    ----------
    request
        The targets, and how they are measured.
    kept
        What was finished before, and is not done again.
    report, cancel
        Progress, and the token that stops the work.

    Raises
    ------
    InputError
        If a target is not below the folder of the data.
    """

    request: BenchRequest
    kept: KeptResults[D]
    report: Report
    cancel: CancelToken

    def __post_init__(self) -> None:
        for target in self.request.targets:
            target.check(self.request.data)

    def fill(
        self,
        ask: Callable[[LabelledSet, int], Iterable[tuple[str, Asked]]],
        make: Callable[[EfficiencyBench, Asked], D],
    ) -> list[D]:
        """Return the results of all cells.

        Parameters
        ----------
        ask
            Returns the cells of a target with one seed: what each is called, and its fields.
        make
            Fills a cell.

        Raises
        ------
        InputError
            If an image cannot be used.
        Cancelled
            When asked to stop; the finished cells are kept.
        """
        pairs = [(target, seed) for seed in range(self.request.n_seeds) for target in self.request.targets]
        return [
            cell for target, seed in pairs for cell in self._measure(target, seed, ask(target, seed), make)
        ]

    def _measure(
        self,
        target: LabelledSet,
        seed: int,
        cells: Iterable[tuple[str, Asked]],
        make: Callable[[EfficiencyBench, Asked], D],
    ) -> list[D]:
        bench: EfficiencyBench | None = None
        found = []
        try:
            for title, asked in cells:
                result = self.kept.find(asked)
                if result is None:
                    self.report(Progress(0, None, f"{target.key}, seed {seed}: {title}"))
                    bench = bench or self._bench(target, seed)
                    result = make(bench, asked)
                    self.kept.add(result)
                found.append(result)
        finally:
            if bench is not None:
                bench.close()
        return found

    def _bench(self, target: LabelledSet, seed: int) -> EfficiencyBench:
        request, tools = self.request, (self.report, self.cancel)
        return EfficiencyBench(target, request.data, request.plan, seed, tools, request.least_objects)
