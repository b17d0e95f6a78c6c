"""The commands of the loop: rank, compare, suggest, annotate, train, predict, evaluate."""

from __future__ import annotations

from pathlib import Path

from napari_graft.cli.console import print_json, progress, stderr
from napari_graft.cli.durations import parse_duration
from napari_graft.cli.tables import print_rows
from napari_graft.cli.types import Device, Json, Names, OutFolder
from napari_graft.core.errors import Cancelled


def rank(project: Path, *, exclude: Names = None, device: Device = "auto", json: Json = False) -> None:
    """Rank the sources by how close their training images lie to this image.

    Example: `napari-graft rank cortex.graft`

    Parameters
    ----------
    project
        Folder of the project.
    exclude
        Ids of sources to leave out.
    device
        Where the encoders run.
    json
        Print one JSON document, best first.
    """
    from napari_graft.project.opening import open_project
    from napari_graft.session.ranking import candidate_sources, rank_sources
    from napari_graft.sources.catalogue import Catalogue

    with open_project(project) as opened, progress() as (report, cancel):
        candidates = candidate_sources(Catalogue(), exclude or ())
        ranked = rank_sources(opened, candidates, device=device, report=report, cancel=cancel)
    rows = [entry.as_dict() for entry in ranked]
    if json:
        print_json(rows)
        return
    print_rows(rows, ("source", "verdict", "z", "p_value", "structure", "title"))
    for entry in ranked[:3]:
        if entry.score.remedy is not None:
            stderr.print(f"note: {entry.source.id}: {entry.score.remedy}", markup=False)


def compare(project: Path, *, sources: Names, out: OutFolder, n: int = 2, device: Device = "auto") -> None:
    """Draw what several sources make of the same tiles, side by side, and where they agree.

    Example: `napari-graft compare cortex.graft --sources fly-medulla-fibsem rat-axons-sem --out compared`

    Parameters
    ----------
    project
        Folder of the project.
    sources
        Ids of two or more sources, or runs as PROJECT:RUN.
    out
        Folder for the pictures.
    n
        Number of tiles: those suggested, or tiles spread over the image.
    device
        Where the networks run.
    """
    from napari_graft.project.opening import open_project
    from napari_graft.session.comparing import CompareRequest, compare_models
    from napari_graft.sources.catalogue import Catalogue

    request = CompareRequest(tuple(sources or ()), out, n, device)
    with open_project(project) as opened, progress() as (report, cancel):
        files = compare_models(opened, request, catalogue=Catalogue(), report=report, cancel=cancel)
    for file in files:
        print(file)


def suggest(
    project: Path,
    *,
    n: int = 4,
    tile: int = 256,
    strategy: str = "auto",
    source: str | None = None,
    seed: int = 0,
    json: Json = False,
) -> None:
    """Suggest the tiles that are most worth annotating, with the reason for each.

    Example: `napari-graft suggest cortex.graft --n 4 --tile 256`

    Parameters
    ----------
    project
        Folder of the project; the suggestions are stored in it.
    n
        How many tiles.
    tile
        Side of a tile in pixels.
    strategy
        auto, random, foreground-random, entropy, median-uncertainty, freesel, freesel-farthest, k-center or
        uncertainty-diversity.
    source
        Source or run to look with; by default the run in use, and before the first run a general model.
    seed
        Decides what is drawn at random.
    json
        Print one JSON document.
    """
    from napari_graft.project.opening import open_project
    from napari_graft.session.suggesting import SuggestRequest, suggest_tiles
    from napari_graft.sources.catalogue import Catalogue

    request = SuggestRequest(n, tile, strategy, source, seed)
    with open_project(project, write=True) as opened, progress() as (report, cancel):
        chosen = suggest_tiles(opened, request, catalogue=Catalogue(), report=report, cancel=cancel)
    rows: list[dict[str, object]] = [
        {
            "start": list(suggestion.tile.start),
            "shape": list(suggestion.tile.shape),
            "score": suggestion.score,
            "reason": suggestion.reason,
        }
        for suggestion in chosen
    ]
    if json:
        print_json(rows)
    else:
        print_rows(rows, ("start", "shape", "score", "reason"))
    if len(rows) < n:
        stderr.print(f"note: only {len(rows)} tiles could be suggested", markup=False)


def annotate(project: Path, *, labels: str, tiles: str = "suggested", sparse: bool = False) -> None:
    """Take the labels of tiles from a label image: an import, or a simulated annotator.

    Example: `napari-graft annotate cortex.graft --labels truth.tif`

    Parameters
    ----------
    project
        Folder of the project.
    labels
        Label image of the size of the image: 0 background, 1… objects.
    tiles
        "suggested", or a JSON file as `suggest --json` prints it.
    sparse
        The labels are strokes: 0 unlabelled, 1 background, 2… objects.
    """
    from napari_graft.io import open_labels
    from napari_graft.project.opening import open_project
    from napari_graft.session.annotating import annotate_from_labels, chosen_tiles

    with open_project(project, write=True) as opened:
        accepted = annotate_from_labels(
            opened, open_labels(labels), chosen_tiles(opened, tiles), is_sparse=sparse
        )
    stderr.print(f"annotated {len(accepted)} tiles", markup=False)


def train(
    project: Path,
    *,
    source: str = "best",
    time_budget: str | None = None,
    steps: int | None = None,
    device: Device = "auto",
    seed: int = 0,
    json: Json = False,
) -> None:
    """Train on the annotated tiles, within a budget; Ctrl+C stops and keeps the best so far.

    Example: `napari-graft train cortex.graft --source best --time-budget 2m`

    Parameters
    ----------
    project
        Folder of the project.
    source
        What to start from: best (first of the ranking), a source, PROJECT:RUN, latest, or scratch.
    time_budget
        For example 60s or 2m; 2m where neither a time nor steps are given.
    steps
        Number of steps.
    device
        Where to train; auto takes the GPU if there is one.
    seed
        Decides patches and augmentation.
    json
        Print one JSON document.
    """
    from napari_graft.engine.client import Engine
    from napari_graft.engine.protocol import TrainJob

    seconds = parse_duration(time_budget or "2m") if time_budget or steps is None else None
    job = TrainJob(
        project=str(project), source=source, seconds=seconds, steps=steps, device=device, seed=seed
    )
    with Engine() as engine, progress() as (report, cancel):
        result = engine.run(job, report=report, cancel=cancel)
    if json:
        print_json(result)
    else:
        _tell_training(result)
    if result["stopped_by"] == "cancel":
        raise Cancelled("stopped on request")


def _tell_training(result: dict[str, object]) -> None:
    for name in ("run", "source", "n_tiles", "steps", "seconds", "device", "stopped_by"):
        print(f"{name:12} {result[name]}")
    validation = result["validation"]
    assert isinstance(validation, dict)
    for name, value in validation.items():
        print(f"  {name:18} {value:.4f}")
    if not result["kept"]:
        print("The new model is worse on the held-out part: the previous one stays in use.")


def predict(
    project: Path,
    *,
    out: Path,
    run: str | None = None,
    source: str | None = None,
    region: str | None = None,
    uncertainty: Path | None = None,
    device: Device = "auto",
) -> None:
    """Segment the image, or a region of it, block by block; a stopped prediction goes on when called again.

    Example: `napari-graft predict cortex.graft --out segments.zarr --region "0:10,0:1024,0:1024"`

    Parameters
    ----------
    project
        Folder of the project.
    out
        FILE.tif or FILE.zarr for the instances, 0 is background.
    run
        Run to use, for example 0001 or latest (the default where there is one).
    source
        Source to use as it is.
    region
        z0:z1,y0:y1,x0:x1; what is written is the region.
    uncertainty
        File for the map of uncertainty, 0 to 1.
    device
        Where the network runs.
    """
    from napari_graft.project.opening import open_project
    from napari_graft.session.predicting import PredictRequest, predict_project
    from napari_graft.sources.catalogue import Catalogue

    request = PredictRequest(out, run, source, region, uncertainty, device)
    with open_project(project) as opened, progress() as (report, cancel):
        result = predict_project(opened, request, catalogue=Catalogue(), report=report, cancel=cancel)
    stderr.print(f"wrote {result.path}: {result.n_objects} objects", markup=False)


def evaluate(segmentation: str, truth: str, *, per_slice: bool = False, json: Json = False) -> None:
    """Compare a segmentation with the truth.

    Example: `napari-graft evaluate segments.tif truth.tif --per-slice`

    Parameters
    ----------
    segmentation, truth
        Label images of one shape; 0 is background.
    per_slice
        Take each slice for itself and report the mean, where ids are not linked between slices.
    json
        Print one JSON document.
    """
    from napari_graft.session.projects import evaluate_files

    scores = evaluate_files(segmentation, truth, per_slice=per_slice)
    if json:
        print_json(scores)
        return
    for name, value in scores.items():
        print(f"{name:12} {value:.4f}" if isinstance(value, float) else f"{name:12} {value}")
