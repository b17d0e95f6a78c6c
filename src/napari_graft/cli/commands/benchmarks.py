"""The command that prints the figures quoted in the documentation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from napari_graft.cli.console import print_json, print_markdown, progress
from napari_graft.cli.types import Json, Names, Overwrite
from napari_graft.core.errors import InputError

if TYPE_CHECKING:
    from napari_graft.io.writers.outputs import Outputs

_CHECKOUT = Path(__file__).resolve().parents[3]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class BenchmarkOptions:
    """Options of a benchmark: how much is measured.

    Parameters
    ----------
    quick
        Fewer repeats, smaller or fewer images, little training.
    seeds
        Runs of each target of merging and pretraining (1 where not given), of recipes (2), of
        label-efficiency, ranking and bridging (3) and of selection (6), of which the table shows the mean; of
        each order of proofreading (3), of which it shows the median.
    all_sources
        In ranking and merging, try also the sources of another family of structures than the target's.
    views
        In ranking, try each source as it is, with dark and bright swapped, and at half and twice the scale:
        it takes four times as long.
    source
        Sources that robustness looks at, by id; all where not given.
    sets
        Labelled sets that first-look, pretraining and recipes play or selection chooses tiles of, by name or
        by what is segmented in them, such as nuclei; groups of tasks of bridging (generated, DeepLIIF,
        "E. coli"); all where not given.
    against
        Earlier result of first-look, FILE.json, to compare with.
    steps
        Training steps of ranking and merging (60 where not given) and of recipes (200).
    tiles
        Tiles of each image that first-look paints afterwards with the truth, to train the first source on; in
        label-efficiency, pretraining and recipes the one number of tiles that is tried.
    """

    quick: bool = False
    seeds: int | None = None
    all_sources: Annotated[bool, Parameter(negative="")] = False
    views: Annotated[bool, Parameter(negative="")] = False
    source: Names = None
    sets: Names = None
    against: Path | None = None
    tiles: int = 0
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise InputError(f"{self.steps} steps are no training: give at least 1")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a benchmark writes and reads, what it may replace, and whether it prints no table."""

    out: Path
    data: Path | None
    outputs: Outputs
    is_silent: bool


def benchmark(
    name: Literal[
        "first-look",
        "throughput",
        "label-efficiency",
        "ranking",
        "merging",
        "bridging",
        "pretraining",
        "recipes",
        "selection",
        "robustness",
        "proofreading",
        "responsiveness",
    ],
    *,
    options: BenchmarkOptions = BenchmarkOptions(),
    out: Path = Path("benchmark-results"),
    data: Path | None = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Run a benchmark, print its table and write OUT/NAME.json.

    Example: `napari-graft benchmark throughput --quick`

    Parameters
    ----------
    name
        first-look: what a stranger's image gets from the first source of the ranking as it is, on every
        labelled set; throughput: how fast images are segmented; label-efficiency: what few annotated tiles
        reach on eight real data sets, beside all that they are to be compared with; ranking: whether the
        ranking of the sources foretells which turns out best; merging: whether two sources merged are better
        than the best alone; pretraining: whether it pays to prepare a source on unlabelled images; recipes:
        whether another way of training on four tiles is better than the usual one; bridging:
        what a source bridged to another modality reaches without a label; selection: which strategy chooses
        the tiles from which most is learned; robustness: what is kept of the score of each source where the
        microscope has a fault; proofreading: how much error a scripted person removes with how many actions,
        by the list of suspicious objects and without it (these nine take long; they and first-look go on
        where they were stopped); responsiveness: how late a window answers while somebody paints and a
        training goes on (it needs a screen, real or virtual).
    options
        How much is measured.
    out
        Folder for the result.
    data
        Folder with the labelled images that all but throughput and responsiveness need; by default
        ../shared/data beside the checkout.
    overwrite
        Replace files in OUT that are not known to be earlier results; never the images or a project.
    json
        Print what is written as JSON instead of the table.
    """
    from napari_graft.studies.results import check_benchmark_output

    outputs = check_benchmark_output(out, data, overwrite=overwrite)
    # The table is told to nobody, whoever prints it.
    with redirect_stdout(StringIO()) if json else nullcontext():
        _BENCHMARKS[name](options, _Place(out, data, outputs, is_silent=json))
    if json:
        print_json(loads((out / f"{name}.json").read_bytes()))


def _first_look(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.first_look.study import FirstLookRequest, run_first_look

    data = place.data or _shared_data()
    request = FirstLookRequest(
        place.out, data, against=options.against, n_tiles=options.tiles, outputs=place.outputs
    )
    request = request if options.sets is None else request.only(options.sets)
    with progress() as (report, cancel):
        found = run_first_look(request.quick() if options.quick else request, report=report, cancel=cancel)
    print_markdown(*found.table())


def _throughput(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.throughput import run_throughput

    run_throughput(place.out, quick=options.quick, outputs=place.outputs)


def _label_efficiency(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.label_efficiency.study import LabelEfficiencyRequest, run_label_efficiency

    n_seeds = 3 if options.seeds is None else options.seeds
    request = LabelEfficiencyRequest(place.out, place.data or _shared_data(), n_seeds, outputs=place.outputs)
    if options.tiles:
        request = replace(request, numbers=(options.tiles,))
    with progress() as (report, cancel):
        rows = run_label_efficiency(
            request.quick() if options.quick else request, report=report, cancel=cancel
        )
    print_markdown(rows, tuple(rows[0]))


def _ranking(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.ranking.study import run_ranking

    _transfer(run_ranking, options, 3, place)


def _merging(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.merging import run_merging

    _transfer(run_merging, options, 1, place)


def _bridging(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.bridging.study import BridgingRequest, run_bridging

    n_seeds = 3 if options.seeds is None else options.seeds
    data = place.data or (Path() if options.quick else _shared_data())
    request = BridgingRequest(place.out, data, n_seeds, outputs=place.outputs)
    request = request.only(options.sets) if options.sets is not None else request
    with progress() as (report, cancel):
        rows = run_bridging(request.quick() if options.quick else request, report=report, cancel=cancel)
    print_markdown(rows, tuple(rows[0]))


def _transfer(
    run: Callable[..., list[dict[str, object]]],
    options: BenchmarkOptions,
    n_seeds: int,
    place: _Place,
) -> None:
    from napari_graft.studies.transfer import TransferRequest

    request = TransferRequest(
        place.out,
        place.data or _shared_data(),
        _CHECKOUT / "recipes",
        n_seeds if options.seeds is None else options.seeds,
        is_family_only=not options.all_sources,
        has_views=options.views,
        outputs=place.outputs,
    )
    if options.steps is not None:
        request = replace(request, plan=replace(request.plan, steps=options.steps))
    with progress() as (report, cancel):
        rows = run(request.quick() if options.quick else request, report=report, cancel=cancel)
    print_markdown(rows, tuple(rows[0]))


def _pretraining(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.pretraining.study import PretrainingRequest, run_pretraining

    n_seeds = 1 if options.seeds is None else options.seeds
    request = PretrainingRequest(place.out, place.data or _shared_data(), n_seeds, outputs=place.outputs)
    request = request if options.sets is None else request.only(options.sets)
    request = replace(request, n_tiles=(options.tiles,)) if options.tiles else request
    with progress() as (report, cancel):
        rows = run_pretraining(request.quick() if options.quick else request, report=report, cancel=cancel)
    print_markdown(rows, tuple(rows[0]) if rows else ())


def _recipes(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.recipes.study import RecipesRequest, run_recipes

    n_seeds = 2 if options.seeds is None else options.seeds
    request = RecipesRequest(place.out, place.data or _shared_data(), n_seeds, outputs=place.outputs)
    request = request if options.sets is None else request.only(options.sets)
    request = replace(request, n_tiles=options.tiles) if options.tiles else request
    if options.steps is not None:
        request = replace(request, plan=replace(request.plan, steps=options.steps))
    with progress() as (report, cancel):
        rows = run_recipes(request.quick() if options.quick else request, report=report, cancel=cancel)
    print_markdown(rows, tuple(rows[0]) if rows else ())


def _selection(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.selection.screen import SelectionRequest, run_selection

    data = place.data or _shared_data()
    n_seeds = 6 if options.seeds is None else options.seeds
    request = SelectionRequest(place.out, data, n_seeds, outputs=place.outputs)
    request = request if options.sets is None else request.only(options.sets)
    with progress() as (report, cancel):
        rows = run_selection(request.quick() if options.quick else request, report=report, cancel=cancel)
    print_markdown(rows, tuple(rows[0]))


def _robustness(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.robustness import RobustnessRequest, run_robustness

    request = RobustnessRequest(
        place.out,
        place.data or _shared_data(),
        _CHECKOUT / "recipes",
        tuple(options.source or ()),
        outputs=place.outputs,
    )
    with progress() as (report, cancel):
        rows = run_robustness(request.quick() if options.quick else request, report=report, cancel=cancel)
    print_markdown(rows, tuple(rows[0]))


def _proofreading(options: BenchmarkOptions, place: _Place) -> None:
    from napari_graft.studies.proofreading.study import ProofreadingRequest, run_proofreading

    n_seeds = 3 if options.seeds is None else options.seeds
    request = ProofreadingRequest(
        place.out, place.data or _shared_data(), n_seeds=n_seeds, outputs=place.outputs
    )
    with progress() as (report, cancel):
        rows = run_proofreading(request.quick() if options.quick else request, report=report, cancel=cancel)
    print_markdown(rows, tuple(rows[0]))


def _responsiveness(options: BenchmarkOptions, place: _Place) -> None:
    # In a process of its own: the command line itself knows neither napari nor Qt.
    command = [sys.executable, "-P", "-m", "napari_graft._qt.measuring", str(place.out)]
    flags = {"--quick": options.quick, "--overwrite": place.outputs.may_overwrite}
    command += [name for name, is_wanted in flags.items() if is_wanted]
    stdout = subprocess.DEVNULL if place.is_silent else None
    if subprocess.run(command, stdout=stdout, check=False).returncode != 0:
        raise InputError("the window could not be measured, see above: it needs a screen, or 'xvfb-run -a'")


def _shared_data() -> Path:
    if not (_CHECKOUT / "pyproject.toml").is_file():
        raise InputError("this benchmark needs labelled images: name the folder that holds them with --data")
    return _CHECKOUT.parent / "shared" / "data"


_BENCHMARKS: dict[str, Callable[[BenchmarkOptions, _Place], None]] = {
    "first-look": _first_look,
    "throughput": _throughput,
    "label-efficiency": _label_efficiency,
    "ranking": _ranking,
    "merging": _merging,
    "bridging": _bridging,
    "pretraining": _pretraining,
    "recipes": _recipes,
    "selection": _selection,
    "robustness": _robustness,
    "proofreading": _proofreading,
    "responsiveness": _responsiveness,
}
