"""What is kept of a source's score where the microscope has a fault: the benchmark ``robustness``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.imaging.faults.fault import MIDDLE, STRONG, WEAK
from napari_graft.imaging.faults.registry import FAULTS
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.io.writers.outputs import Outputs
from napari_graft.recipes.scoring import MAX_SAMPLES
from napari_graft.sources.card import leading_score
from napari_graft.studies.degraded_images import CLEAN, Spoilt, SpoiltBench, find_trained
from napari_graft.studies.results import KeptResults

NAME = "robustness"
STRENGTHS: Mapping[str, float] = {"weak": WEAK, "middle": MIDDLE, "strong": STRONG}


@dataclass(frozen=True, slots=True)
class RobustnessRequest:
    """Request for what is kept of the scores of sources under the faults of microscopes.

    Parameters
    ----------
    out
        Folder for the result and for all that is found on the way, which is used again.
    data, recipes
        Folders with the labelled sets and with the recipes of the sources.
    sources
        Ids; all that have a recipe where there is none.
    strengths
        Names of the strengths.
    n_images
        At most so many images of the test part of each source.
    outputs
        What may be written where.
    """

    out: Path
    data: Path
    recipes: Path
    sources: tuple[str, ...] = ()
    strengths: tuple[str, ...] = tuple(STRENGTHS)
    n_images: int = MAX_SAMPLES
    outputs: Outputs = field(default_factory=Outputs)

    def quick(self) -> RobustnessRequest:
        """Return a request for one image of each source and the middle strength."""
        return replace(self, strengths=("middle",), n_images=1)


def run_robustness(
    request: RobustnessRequest, *, report: Report, cancel: CancelToken
) -> list[dict[str, object]]:
    """Score every source on its own test part, plain and under each fault.

    The fault comes upon the image at its own pixel size and before its grey range and contrast are measured;
    its scale is known. What was finished before is not done again.

    Returns
    -------
    list of dict
        One row for each fault; see `table`.

    Raises
    ------
    InputError
        If a source, its recipe or its images are missing.
    Cancelled
        When asked to stop; the finished results are kept.
    """
    kept = KeptResults(Spoilt, request.out / f"{NAME}-runs.jsonl")
    trained = find_trained(request.sources, request.recipes, request.data)
    benches = [SpoiltBench(one, request.n_images, kept, cancel) for one in trained]
    for one, bench in zip(trained, benches, strict=True):
        if not all(bench.has_run(fault, strength) for fault, _, strength in _trials(request)):
            one.check()
    found = list(_endurances(benches, request, report))
    rows = table(found, request.strengths)
    document = {
        "settings": {"n_images": request.n_images, "strengths": {s: STRENGTHS[s] for s in request.strengths}},
        "rows": rows,
        "sources": [one.as_dict() for one in found],
    }
    request.outputs.write(request.out / f"{NAME}.json", json.dumps(marked(document), indent=2) + "\n", JSON)
    return rows


def _trials(request: RobustnessRequest) -> Iterator[tuple[str, str, float]]:
    """Yield each fault with the name and the number of its strength, and first that there is none."""
    yield CLEAN, "", 0.0
    for fault in FAULTS:
        yield from ((fault, name, STRENGTHS[name]) for name in request.strengths)


def _endurances(
    benches: list[SpoiltBench], request: RobustnessRequest, report: Report
) -> Iterator[Endurance]:
    trials = list(_trials(request))
    for number, bench in enumerate(benches):
        scores = {}
        for index, (fault, name, strength) in enumerate(trials):
            done = number * len(trials) + index
            what = f"{bench.source.id}, {name} {fault}" if name else f"{bench.source.id}, no fault"
            report(Progress(done, len(benches) * len(trials), what))
            scores[fault, name] = bench.run(fault, strength).scores
        # Images and network go with the bench: the next source brings its own.
        bench.close()
        yield Endurance(bench.source.id, bench.source.card.structure, scores.pop((CLEAN, "")), scores)


JUDGED = "middle"
"""The strength at which the sources are compared."""
_HALF = 0.5
_LEAST_VI = 0.01
"""VI in bits below which differences say nothing."""

Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Endurance:
    """The scores of one source without a fault and under each, by fault and name of its strength."""

    source: str
    structure: str
    clean: Scores
    spoilt: Mapping[tuple[str, str], Scores]

    def kept(self, fault: str, strength: str) -> float | None:
        """Return the share of the clean score that is kept; None where there was none to lose.

        For AP50 it is ``spoilt / clean``; for VI, of which less is better, ``clean / spoilt``.
        """
        name = leading_score(self.structure)
        clean, spoilt = self.clean[name], self.spoilt[fault, strength][name]
        if name == "vi":
            return max(clean, _LEAST_VI) / max(spoilt, _LEAST_VI)
        return spoilt / clean if clean else None

    def as_dict(self) -> dict[str, object]:
        """Return all of it for a JSON document; `kept` by fault and strength."""
        kept: dict[str, dict[str, float | None]] = {}
        scores: dict[str, dict[str, Scores]] = {}
        for fault, strength in self.spoilt:
            share = self.kept(fault, strength)
            kept.setdefault(fault, {})[strength] = None if share is None else round(share, 4)
            scores.setdefault(fault, {})[strength] = self.spoilt[fault, strength]
        measure = leading_score(self.structure)
        of_source = {"source": self.source, "structure": self.structure, "measure": measure}
        return {**of_source, "clean": self.clean, "kept": kept, "scores": scores}


def table(found: Sequence[Endurance], strengths: Sequence[str]) -> list[dict[str, object]]:
    """Return a row for each fault.

    A row holds the share of the clean score that is kept at each strength, in the median over the sources;
    the lowest share at the strength `JUDGED`; and the sources that keep less than half there.
    """
    rows = []
    for fault in FAULTS:
        row: dict[str, object] = {"fault": FAULTS[fault].title, "sources": len(found)}
        for strength in strengths:
            shares = _shares(found, fault, strength)
            row[strength] = round(median(shares.values()), 4) if shares else None
        judged = _shares(found, fault, JUDGED)
        row[f"lowest_{JUDGED}"] = round(min(judged.values()), 4) if judged else None
        row[f"under_half_{JUDGED}"] = [source for source, share in judged.items() if share < _HALF]
        rows.append(row)
    return rows


def _shares(found: Sequence[Endurance], fault: str, strength: str) -> dict[str, float]:
    shares = {one.source: one.kept(fault, strength) for one in found}
    return {source: share for source, share in shares.items() if share is not None}
