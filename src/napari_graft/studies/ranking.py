"""Does the ranking foretell which source turns out best? The benchmark ``ranking``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean, median

import numpy as np

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io import atomic
from napari_graft.scorers.order import family, standings
from napari_graft.scorers.registry import COMBINED, SCORERS
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source
from napari_graft.studies.agreement import Agreement, agree, by_chance
from napari_graft.studies.kept import KeptResults
from napari_graft.studies.readings import ReadingRoom, Readings
from napari_graft.studies.targets import RANKING_TARGETS, Target
from napari_graft.studies.transfer import Transfer, TransferBench, TransferPlan

NAME = "ranking"
NO_LABELS = tuple(name for name in COMBINED if name != "few-shot")
"""Scorers that have a say before the first tile is annotated."""


@dataclass(frozen=True, slots=True)
class RankingRequest:
    """Ask for the benchmark.

    Parameters
    ----------
    out
        Folder for ``ranking.json`` and what was found of each source on each target.
    data, recipes
        Folders with the labelled sets and with the recipes of the sources.
    n_seeds
        Choices of tiles and trainings.
    targets
        The sets that play the unknown image.
    plan
        How sources are adapted.
    is_family_only
        Whether only sources of the target's family are tried.
    """

    out: Path
    data: Path
    recipes: Path
    n_seeds: int = 3
    targets: tuple[Target, ...] = RANKING_TARGETS
    plan: TransferPlan = field(default_factory=TransferPlan)
    is_family_only: bool = True

    def quick(self) -> RankingRequest:
        """Return a request for one target and hardly any training, to see whether it runs."""
        return replace(self, targets=self.targets[:1], n_seeds=1, plan=replace(self.plan, steps=5))


@dataclass(slots=True)
class TargetFigures:
    """Gather what was found on one target.

    Parameters
    ----------
    target
        The target.
    truth
        Quality of each source after the training, mean over the seeds.
    readings
        What each scorer said of each source, mean over the seeds.
    sources
        The sources, by id.
    """

    target: Target
    truth: dict[str, float]
    readings: dict[str, dict[str, float]]
    sources: dict[str, Source]

    def orders(self) -> dict[str, dict[str, float]]:
        """Return what each scorer, their combinations and the labels on the cards foretell, by source."""
        found = {
            name: {one: known[name] for one, known in self.readings.items() if name in known}
            for name in SCORERS
        }
        for title, names in (("combined", COMBINED), ("combined, no labels", NO_LABELS)):
            found[title] = {one: -place for one, place in standings(self.readings, names).items()}
        found["label"] = {one: label_score(self.target, source) for one, source in self.sources.items()}
        return found

    def generalist_regret(self) -> float | None:
        """Return the regret of always taking the source of many sets, None where it has seen the target."""
        wide = [one for one, source in self.sources.items() if len(source.card.training.datasets) > 1]
        wide = [one for one in wide if one in self.truth]
        if not wide:
            return None
        best = max(self.truth.values())
        return (best - max(self.truth[one] for one in wide)) / max(abs(best), 1e-9)


def label_score(target: Target, source: Source) -> float:
    """Return how many of genus and instrument the cards of target and source share, 0 to 2."""
    genus, instrument = target.labels_of_set
    card = source.card
    same_genus = bool(genus) and genus.lower() in card.species.lower()
    same_instrument = bool(instrument) and instrument.lower() in card.instrument.lower()
    return float(same_genus) + float(same_instrument)


def run_ranking(request: RankingRequest, *, report: Report, cancel: CancelToken) -> list[dict[str, object]]:
    """Adapt every source to every target it has not seen, and compare the true order with the foretold ones.

    What was finished before is not done again.

    Returns
    -------
    list of dict
        One row for each scorer and control: median ρ, mean regret and rate of hits over the targets.

    Raises
    ------
    InputError
        If a set is missing.
    Cancelled
        When asked to stop; the finished results are kept.
    """
    for target in request.targets:
        target.check(request.data)
    study = _Study(request, cancel)
    runs = [(seed, target) for seed in range(request.n_seeds) for target in request.targets]
    for number, (seed, target) in enumerate(runs):
        report(Progress(number, len(runs), f"seed {seed}, target {target.key}"))
        study.measure(target, seed)
    figures = [found for found in map(study.figures, request.targets) if len(found.truth) >= 2]
    rows = table(figures)
    document = {
        "settings": {"n_seeds": request.n_seeds, "is_family_only": request.is_family_only}
        | asdict(request.plan),
        "rows": rows,
        "targets": [_describe(one) for one in figures],
    }
    atomic.write_text(request.out / f"{NAME}.json", json.dumps(document, indent=2) + "\n")
    return rows


def table(figures: Sequence[TargetFigures]) -> list[dict[str, object]]:
    """Return a row for each scorer and control, over all targets and for each family."""
    groups = {"all": list(figures)}
    for one in figures:
        groups.setdefault(family(one.target.structure), []).append(one)
    return [row for name, members in groups.items() for row in _rows(name, members)]


def _rows(group: str, figures: Sequence[TargetFigures]) -> list[dict[str, object]]:
    found: dict[str, list[Agreement]] = {}
    for one in figures:
        for name, foretold in one.orders().items():
            agreement = agree(foretold, one.truth)
            if agreement is not None:
                found.setdefault(name, []).append(agreement)
        found.setdefault("random", []).append(by_chance(one.truth))
    rows = [_row(group, name, agreements) for name, agreements in found.items()]
    regrets = [regret for one in figures if (regret := one.generalist_regret()) is not None]
    if regrets:
        row = {"group": group, "order": "generalist", "n_targets": len(regrets)}
        rows.append(row | {"rho": None, "regret": round(fmean(regrets), 3), "top3": None})
    return rows


def _row(group: str, name: str, agreements: Sequence[Agreement]) -> dict[str, object]:
    known = [one.rho for one in agreements if not np.isnan(one.rho)]
    return {
        "group": group,
        "order": name,
        "n_targets": len(agreements),
        "rho": round(median(known), 3) if known else None,
        "regret": round(fmean(one.regret for one in agreements), 3),
        "top3": round(fmean(one.is_hit for one in agreements), 3),
    }


class _Study:
    """Gather what is found of each source on each target, one choice of tiles after the other."""

    def __init__(self, request: RankingRequest, cancel: CancelToken) -> None:
        self._request = request
        self._cancel = cancel
        self._catalogue = Catalogue()
        self._transfers = KeptResults(Transfer, request.out / f"{NAME}-transfers.jsonl")
        readings = KeptResults(Readings, request.out / f"{NAME}-readings.jsonl")
        self._room = ReadingRoom(request.recipes, request.data, readings, cancel)
        self._found: dict[str, list[tuple[Source, Transfer, Readings]]] = {}

    def measure(self, target: Target, seed: int) -> None:
        """Adapt and measure every source on a target whose tiles are drawn from a seed."""
        request = self._request
        bench = TransferBench(target, request.data, request.plan, seed, self._transfers, self._cancel)
        found = self._found.setdefault(target.key, [])
        try:
            seen = self._room.target_of(bench.project)
            for source in bench.candidates(self._catalogue):
                is_related = family(source.card.structure) == family(target.structure)
                if is_related or not request.is_family_only:
                    found.append((source, bench.run(source), self._room.read(seen, source, bench)))
        finally:
            bench.close()

    def figures(self, target: Target) -> TargetFigures:
        """Return what was found on one target: means over the seeds."""
        truths: dict[str, list[float]] = {}
        readings: dict[str, list[dict[str, float]]] = {}
        sources: dict[str, Source] = {}
        for source, transfer, read in self._found[target.key]:
            sources[source.id] = source
            truths.setdefault(source.id, []).append(transfer.quality)
            readings.setdefault(source.id, []).append(read.readings)
        truth = {one: fmean(values) for one, values in truths.items()}
        return TargetFigures(target, truth, {one: _mean(many) for one, many in readings.items()}, sources)


def _mean(many: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: fmean(one[name] for one in many) for name in many[0] if all(name in one for one in many)}


def _describe(figures: TargetFigures) -> dict[str, object]:
    found = {name: agree(foretold, figures.truth) for name, foretold in figures.orders().items()}
    return {
        "target": figures.target.key,
        "truth": figures.truth,
        "readings": figures.readings,
        "agreement": {name: asdict(one) for name, one in found.items() if one is not None},
    }
