"""The command that bridges a source to another modality."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from napari_graft.bridging.recipe import DEFAULT_METHOD
from napari_graft.cli.commands.training import TWO_MINUTES, TrainOptions, learn
from napari_graft.cli.types import Json

if TYPE_CHECKING:
    from napari_graft.project.reports import BridgeReport


def bridge(
    project: Path,
    *,
    source: str,
    pairs: Annotated[tuple[Path, Path], Parameter(negative="")],
    method: str = DEFAULT_METHOD,
    options: TrainOptions = TWO_MINUTES,
    json: Json = False,
) -> None:
    """Bridge a source to the modality of the image, with pairs of images of anything; no label is needed.

    What is bridged becomes a run of the project and a source of yours. It is used only if what it finds is
    no less consistent than what the source finds by itself, and no worse on painted tiles. Ctrl+C stops it.

    Example: `napari-graft bridge new.graft --source nuclei-fluorescence --pairs phase dapi --time-budget 3m`

    Parameters
    ----------
    project
        Folder of the project.
    source
        A source, or PROJECT:RUN, that was trained on another modality.
    pairs
        Two folders whose images have the same names and show the same fields: first in the modality of the
        project's image, then in that of the source. The specimen may be any.
    method
        tgmb-tgkt (a translator, then a student of it), tgmb (the translator alone), or to compare with:
        reconstruction, information, socket, translator-in-socket, norm-statistics, histogram, best-view,
        as-it-is.
    options
        How long and where.
    json
        Print one JSON document.
    """
    from napari_graft.jobs.builtin.bridge import BridgeRequest

    request = BridgeRequest(
        project=str(project),
        source=source,
        pairs=(str(pairs[0]), str(pairs[1])),
        method=method,
        seconds=options.seconds,
        steps=options.steps,
        device=options.device,
        seed=options.seed,
    )
    learn(request, _tell_bridge, json=json)


def _tell_bridge(report: BridgeReport) -> None:
    training, record = report.training, report.bridge
    if record.suitability is not None:
        print(record.suitability.words)
    for name in ("run", "steps", "seconds", "device", "stopped_by"):
        print(f"{name:12} {getattr(training, name)}")
    print(f"{'method':12} {record.method}")
    print(f"{'pairs':12} {record.n_pairs}")
    if record.view:
        print(f"{'best view':12} {record.view}")
    if record.consistency is not None and record.consistency_of_view is not None:
        print(f"{'consistency':12} {record.consistency:.2f} (best view {record.consistency_of_view:.2f})")
    if record.source_id:
        print(f"Your sources have a new one: {record.source_id}")
    if training.note:
        print(f"note: {training.note}")
