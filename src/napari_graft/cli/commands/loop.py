"""The commands that lead to annotated tiles: rank, compare, suggest, annotate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from napari_graft.cli.console import print_json, print_note, print_rows, stderr
from napari_graft.cli.jobs import run_in_worker
from napari_graft.cli.types import LABELS_AS_THEY_ARE, Device, Json, LabelFile, Names, OutFolder, Overwrite


def rank(
    project: Path,
    *,
    exclude: Names = None,
    include_seen: Annotated[bool, Parameter(negative="")] = False,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Rank the sources by how close their training images lie to this image.

    Sources that were trained on the image or its data set would always look near, and are left out.

    Example: `napari-graft rank cortex.graft`

    Parameters
    ----------
    project
        Folder of the project.
    exclude
        Ids of sources to leave out.
    include_seen
        Rank the sources that were trained on this image or its data set as well.
    device
        Where the encoders run.
    json
        Print one JSON document, best first.
    """
    from napari_graft.jobs.builtin.rank import RankRequest
    from napari_graft.project.opening import open_project
    from napari_graft.scorers.outlook import outlook
    from napari_graft.session.projects.object_diameter import known_diameter

    with open_project(project) as opened:
        wanted = opened.manifest.structure
    request = RankRequest(
        project=str(project), exclude=tuple(exclude or ()), include_seen=include_seen, device=device
    )
    ranked = run_in_worker(request).ranking
    rows = [entry.as_row() for entry in ranked]
    if json:
        print_json(rows)
        return
    shown = [row if row["same_structure"] else row | {"verdict": "another structure"} for row in rows]
    columns = ("source", "combined", "verdict", "z", "consistency", "few_shot", "structure", "title")
    print_rows(shown, columns, optional=("title", "combined", "structure", "consistency"))
    with open_project(project) as opened:
        wider = known_diameter(opened).wider
    expected = outlook(ranked, wanted, wider)
    if expected is not None:
        stderr.print(expected.words, markup=False)
    for entry in ranked[:3]:
        if entry.advice is not None:
            stderr.print(f"note: {entry.source}: {entry.advice}", markup=False)


def compare(
    project: Path,
    *,
    sources: Names,
    out: OutFolder,
    n: int = 2,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
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
    overwrite
        Replace pictures that are not known to be earlier ones; never an input or a project.
    """
    from napari_graft.jobs.builtin.compare import CompareRequest

    request = CompareRequest(
        project=str(project),
        sources=tuple(sources or ()),
        out=str(out),
        n=n,
        device=device,
        overwrite=overwrite,
    )
    for file in run_in_worker(request).files:
        print(file)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class TileOptions:
    """Options of a suggestion: which tiles are wanted.

    Parameters
    ----------
    n
        How many tiles.
    tile
        Side of a tile in pixels; by default eight diameters of the objects, or 256 where their size is not
        known.
    strategy
        auto, random, foreground-random, foreground-diversity, entropy, median-uncertainty, freesel,
        freesel-farthest, k-center or uncertainty-diversity.
    source
        Source or run to look with; by default the run in use, and before the first run a general model.
    seed
        Decides what is drawn at random.
    device
        Where the network runs.
    patterns
        Patterns of each tile that freesel compares, 1 to 50.
    """

    n: int = 4
    tile: int | None = None
    strategy: str = "auto"
    source: str | None = None
    seed: int = 0
    device: Device = "auto"
    patterns: int = 6


def suggest(project: Path, *, options: TileOptions = TileOptions(), json: Json = False) -> None:
    """Suggest the tiles that are most worth annotating, with the reason for each.

    Example: `napari-graft suggest cortex.graft --n 4`

    Parameters
    ----------
    project
        Folder of the project; the suggestions are stored in it.
    options
        Which tiles are wanted.
    json
        Print one JSON document.
    """
    from napari_graft.jobs.builtin.suggest import SuggestRequest
    from napari_graft.project.opening import open_project
    from napari_graft.project.tile_queue import SuggestionList

    request = SuggestRequest(
        project=str(project),
        n=options.n,
        tile=options.tile,
        strategy=options.strategy,
        source=options.source,
        seed=options.seed,
        device=options.device,
        patterns=options.patterns,
    )
    with open_project(project, write=True) as opened:
        found = run_in_worker(request)
        opened.store_suggestions(
            SuggestionList(suggestions=found.suggestions, strategy=found.strategy, model=found.model)
        )
    rows: list[dict[str, object]] = [
        {"start": list(one.start), "shape": list(one.shape), "score": one.score, "reason": one.reason}
        for one in found.suggestions
    ]
    if json:
        print_json(rows)
    else:
        print_rows(rows, ("start", "shape", "score", "reason"))
    if len(rows) < options.n:
        stderr.print(f"note: only {len(rows)} tiles could be suggested", markup=False)


def annotate(
    project: Path,
    *,
    labels: str,
    tiles: str = "suggested",
    sparse: bool = False,
    label_file: LabelFile = LABELS_AS_THEY_ARE,
) -> None:
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
    label_file
        What the label image does not say.
    """
    from napari_graft.io import open_labels
    from napari_graft.io.labels import tell_only_object
    from napari_graft.project.opening import open_project
    from napari_graft.session.annotation import annotate_from_labels, chosen_tiles

    with open_project(project, write=True) as opened:
        painted = open_labels(labels, axes=label_file.axes, mask=label_file.mask)
        accepted = annotate_from_labels(opened, painted, chosen_tiles(opened, tiles), is_sparse=sparse)
    if not sparse and label_file.mask is None:
        print_note(tell_only_object(painted))
    stderr.print(f"annotated {len(accepted)} tiles", markup=False)
