"""What is kept of a source's score where the microscope has a fault: the benchmark ``robustness``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.imaging.faults.fault import MIDDLE, STRONG, WEAK
from napari_graft.imaging.faults.registry import FAULTS
from napari_graft.io.file_kinds import JSON
from napari_graft.io.marks import marked
from napari_graft.io.outputs import Outputs
from napari_graft.recipes.measure import MAX_SAMPLES
from napari_graft.studies.kept import KeptResults
from napari_graft.studies.robustness_table import Endurance, table
from napari_graft.studies.spoilt import CLEAN, Spoilt, SpoiltBench
from napari_graft.studies.trained_by import find_trained

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
