"""The command that merges sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from napari_graft.cli.commands.training import TWO_MINUTES, TrainOptions, learn, tell_training
from napari_graft.cli.console import print_rows
from napari_graft.cli.types import Json
from napari_graft.merging.recipe import DEFAULT_METHOD, levels_of

if TYPE_CHECKING:
    from napari_graft.project.reports import MergeReport


def merge(
    project: Path,
    *,
    sources: Annotated[list[str], Parameter(consume_multiple=True, negative="")],
    method: str = DEFAULT_METHOD,
    options: TrainOptions = TWO_MINUTES,
    json: Json = False,
) -> None:
    """Merge sources into one model on the annotated tiles, and train it; Ctrl+C keeps the best so far.

    For each filter of the network it is learned how much to take of each source. The model becomes a run of
    the project like any other.

    Example: `napari-graft merge cortex.graft --sources mouse-ca1-fibsem fly-medulla-fibsem --time-budget 2m`

    Parameters
    ----------
    project
        Folder of the project, with annotated tiles.
    sources
        Two or more: sources, PROJECT:RUN or latest. The first one lends its pixel size.
    method
        kernel (what to take of each is learned filter by filter, then the model is trained), probing (the
        same with more time for the shares, and a gentle training), slices (in finer pieces, from twenty tiles
        on), consistent (as probing, and looks at what is not painted as well), soup (each source is trained,
        and those that are better together are averaged), distilled (all sources answer together, the more
        similar ones counting more, and one model learns what they say) or average (the same of each, then
        trained).
    options
        How long and where, the training that follows the merge included.
    json
        Print one JSON document.
    """
    from napari_graft.jobs.builtin.merge import MergeRequest

    request = MergeRequest(
        project=str(project),
        sources=tuple(sources),
        method=method,
        seconds=options.seconds,
        steps=options.steps,
        device=options.device,
        seed=options.seed,
    )
    learn(request, _tell_merge, json=json)


def _tell_merge(report: MergeReport) -> None:
    tell_training(report.training)
    print("What is left of each source, in per cent of the filters:")
    names = list(report.recipe.references)
    rows = [_row(level.title, level.shares, names) for level in levels_of(report.recipe.layers)]
    print_rows([*rows, _row("all", report.recipe.shares, names)], ("level", *names))


def _row(title: str, shares: Sequence[float], names: list[str]) -> dict[str, object]:
    return {"level": title} | {name: round(100 * share) for name, share in zip(names, shares, strict=True)}
