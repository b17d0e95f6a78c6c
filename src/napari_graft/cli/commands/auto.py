"""The command that goes through rounds by itself: suggest, take labels, train, judge, and again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import Parameter

from napari_graft.cli.console import print_json, print_rows, stderr
from napari_graft.cli.jobs import ask_worker
from napari_graft.cli.types import LABELS_AS_THEY_ARE, Device, Json, LabelFile, parse_duration
from napari_graft.core.errors import Cancelled

if TYPE_CHECKING:
    from napari_graft.jobs.builtin.auto import AutoResult


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class AutoBudget:
    """Budget of rounds that go on by themselves.

    Parameters
    ----------
    tiles
        Tiles to paint in all, those that are painted already among them.
    per_round
        Tiles of a round.
    time_budget
        Time of the computer for all rounds, for example 10m; 10m where neither a time nor steps are given.
    steps
        Training steps of a round.
    """

    tiles: int = 8
    per_round: int = 4
    time_budget: str | None = None
    steps: int | None = None

    @property
    def seconds(self) -> float | None:
        """The time budget, None where only the steps count."""
        if not self.time_budget and self.steps is not None:
            return None
        return parse_duration(self.time_budget or "10m")


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class AutoOptions:
    """Options of the rounds: what they start from, and how tiles are chosen.

    Parameters
    ----------
    source
        What the first round starts from: best (first of the ranking), a source, PROJECT:RUN, or scratch.
    strategy
        How tiles are chosen, as for `suggest`.
    device
        Where the networks run.
    seed
        Decides tiles, patches and augmentation.
    tile
        Side of a tile in pixels, as for `suggest`.
    sparse
        The labels are strokes: 0 unlabelled, 1 background, 2… objects.
    """

    source: str = "best"
    strategy: str = "auto"
    device: Device = "auto"
    seed: int = 0
    tile: int | None = None
    sparse: bool = False


def auto(
    project: Path,
    *,
    labels: str,
    label_file: LabelFile = LABELS_AS_THEY_ARE,
    budget: AutoBudget = AutoBudget(),
    options: AutoOptions = AutoOptions(),
    json: Json = False,
) -> None:
    """Rank, suggest, take the labels from a label image, train and judge, round after round.

    It ends when the tiles or the time are spent, or when the last two rounds gained little. Ctrl+C keeps what
    is finished; the same command goes on.

    Example: `napari-graft auto cortex.graft --labels truth.tif --tiles 8 --time-budget 10m`

    Parameters
    ----------
    project
        Folder of the project.
    labels
        Label image of the size of the image, which plays the person who paints: 0 background, 1… objects.
    label_file
        What the label image does not say.
    budget
        What may be spent.
    options
        How the rounds are made.
    json
        Print one JSON document.
    """
    from napari_graft.jobs.builtin.auto import AutoRequest
    from napari_graft.project.opening import open_project

    # A wrong path is told before the worker has loaded its libraries.
    open_project(project).close()
    request = AutoRequest(
        project=str(project),
        labels=labels,
        n_tiles=budget.tiles,
        per_round=budget.per_round,
        seconds=budget.seconds,
        steps=budget.steps,
        source=options.source,
        strategy=options.strategy,
        device=options.device,
        seed=options.seed,
        tile=options.tile,
        sparse=options.sparse,
        axes=label_file.axes,
        mask=label_file.mask,
    )
    result, is_cancelled = ask_worker(request)
    if json:
        print_json(result.as_dict())
    else:
        _tell(result)
    if result.stopped_by == "cancel" or is_cancelled:
        raise Cancelled("stopped on request")


_COLUMNS = ("n_tiles", "run", "kept", "before", "score", "seconds", "n_objects", "border", "painting_seconds")


def _tell(result: AutoResult) -> None:
    if result.rounds:
        print_rows([one.model_dump() for one in result.rounds], _COLUMNS)
    stderr.print(result.words, markup=False)
