"""The commands that plan and run a trial of the best sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import Parameter

from napari_graft.cli.console import print_json, print_rows, stderr
from napari_graft.cli.jobs import run_in_worker
from napari_graft.cli.types import Device, Json, Names, parse_duration
from napari_graft.core.errors import InputError

if TYPE_CHECKING:
    from napari_graft.project.project import Project
    from napari_graft.session.training.trial_plan import TrialPlan


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class TrialBudget:
    """Budget of a trial and all that follows together.

    Parameters
    ----------
    tiles
        Tiles that you mean to annotate in all.
    time_budget
        Training time in all, for example 10m; the trial takes a third of it at most.
    """

    tiles: int = 8
    time_budget: str = "10m"

    @property
    def seconds(self) -> float:
        """The time budget."""
        return parse_duration(self.time_budget)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class TrialOptions:
    """Options of the trainings in a trial.

    Parameters
    ----------
    steps
        Steps for each source, instead of the time that the plan gives it.
    device
        Where to train.
    seed
        Decides patches and augmentation.
    """

    steps: int | None = None
    device: Device = "auto"
    seed: int = 0


def plan(
    project: Path,
    *,
    exclude: Names = None,
    budget: TrialBudget = TrialBudget(),
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Propose which sources to try, on how many tiles and for how long, from the ranking and a budget.

    Example: `napari-graft plan cortex.graft --tiles 8 --time-budget 10m`

    Parameters
    ----------
    project
        Folder of the project; all that is written to it is what was measured of the sources.
    exclude
        Ids of sources to leave out.
    budget
        What may be spent.
    device
        Where the encoders run.
    json
        Print one JSON document.
    """
    from napari_graft.project.opening import open_project

    proposed = _propose(project, budget, exclude or [], device)
    with open_project(project) as opened:
        n_annotated = len(opened.annotations.tiles())
    following = _next_step(project, proposed, n_annotated, budget)
    if json:
        print_json(proposed.as_dict() | {"n_annotated": n_annotated, "next": following})
        return
    print(f"try            {', '.join(proposed.shortlist)}")
    print(f"on             {_tiles(proposed.n_tiles)} ({n_annotated} annotated so far)")
    print(f"train each     {proposed.seconds_each:.0f} s")
    print(f"for the winner {_tiles(proposed.n_tiles_left)} more, {proposed.seconds_left:.0f} s of training")
    for reason in proposed.reasons:
        print(f"- {reason}")
    print(f"next: {following}")


def trial(
    project: Path,
    *,
    sources: Names = None,
    budget: TrialBudget = TrialBudget(),
    options: TrialOptions = TrialOptions(),
    json: Json = False,
) -> None:
    """Train the best sources for a short time on the annotated tiles, and go on with the one that does best.

    All are trained alike and judged on the same part of the tiles, which none is trained on. The winner
    becomes a run of the project. Ctrl+C keeps the sources that are done; the same command goes on.

    Example: `napari-graft trial cortex.graft --sources fly-medulla-fibsem rat-axons-sem --time-budget 10m`

    Parameters
    ----------
    project
        Folder of the project, with annotated tiles.
    sources
        Ids of the sources to try; by default those that `plan` proposes.
    budget
        What may be spent.
    options
        How they are trained.
    json
        Print one JSON document.
    """
    from napari_graft.jobs.builtin.trial import TrialRequest
    from napari_graft.project.opening import open_project
    from napari_graft.session.training.trial_plan import share_of_each

    whole = budget.seconds
    with open_project(project) as opened:
        _require_tiles(opened, project)
        n_annotated = len(opened.annotations.tiles())
    if sources:
        shortlist, seconds = tuple(sources), share_of_each(len(sources), whole)
    else:
        proposed = _propose(project, budget, [], options.device)
        shortlist, seconds = proposed.shortlist, proposed.seconds_each
        _note_few_tiles(n_annotated, proposed)
    request = TrialRequest(
        project=str(project),
        sources=shortlist,
        seconds=None if options.steps else seconds,
        steps=options.steps,
        device=options.device,
        seed=options.seed,
    )
    answer = run_in_worker(request)
    left = whole - sum(one.seconds for one in answer.outcomes)
    result = answer.model_dump(mode="json", exclude={"format_version"})
    result["next"] = _carry_on(project, result, left)
    if json:
        print_json(result)
    else:
        _tell_trial(result)


def _propose(project: Path, budget: TrialBudget, exclude: list[str], device: Device) -> TrialPlan:
    from napari_graft.jobs.builtin.rank import RankRequest
    from napari_graft.session.training.trial_plan import propose_plan

    minutes = budget.seconds / 60  # what is no duration is told before the sources are ranked
    found = run_in_worker(RankRequest(project=str(project), exclude=tuple(exclude), device=device))
    return propose_plan(found.ranking, budget.tiles, minutes)


def _require_tiles(opened: Project, folder: Path) -> None:
    """Say which tiles to annotate where none is."""
    if opened.annotations.tiles():
        return
    suggested = opened.suggestions().suggestions
    if not suggested:
        raise InputError(
            f"no tile is annotated yet: 'napari-graft suggest {folder} --n 2' says which to annotate first"
        )
    places = " and ".join(str(list(one.start)) for one in suggested[:2])
    raise InputError(
        f"no tile is annotated yet: annotate those suggested, first those at {places} "
        f"('napari-graft annotate {folder} --labels FILE', or in napari)"
    )


def _note_few_tiles(n_annotated: int, proposed: TrialPlan) -> None:
    if n_annotated < proposed.n_tiles:
        words = f"{_tiles(n_annotated)} annotated where the plan asks for {proposed.n_tiles}"
        stderr.print(f"note: {words}: the outcome is less sure", markup=False)


def _next_step(folder: Path, proposed: TrialPlan, n_annotated: int, budget: TrialBudget) -> str:
    if n_annotated < proposed.n_tiles:
        return f"napari-graft suggest {folder} --n {proposed.n_tiles - n_annotated}"
    names = " ".join(proposed.shortlist)
    return f"napari-graft trial {folder} --sources {names} --time-budget {budget.time_budget}"


def _carry_on(folder: Path, result: dict[str, Any], seconds_left: float) -> str:
    start = "latest" if result["kept"] else f"{folder}:{result['run']}"
    return f"napari-graft train {folder} --source {start} --time-budget {max(seconds_left, 1):.0f}s"


def _tell_trial(result: dict[str, Any]) -> None:
    score = result["measure"]
    names = {score: "score", f"{score} before": "score_untouched", "loss": "loss", "steps": "steps"}
    rows = [
        {"source": one["source"]}
        | {name: "-" if one[field] is None else one[field] for name, field in names.items()}
        | {"seconds": one["seconds"], "": "winner" if one["source"] == result["winner"] else ""}
        for one in result["outcomes"]
    ]
    print_rows(rows, ("source", *names, "seconds", ""))
    better = "lower" if score == "vi" else "higher"
    print(f"{score} and loss on the part of the tiles that none was trained on; {better} {score} is better.")
    if result["kept"]:
        print(f"{result['winner']} won; its training is run {result['run']}, which is in use now.")
    else:
        print(f"{result['winner']} won, as run {result['run']}; what was in use before is better and stays.")
    print(f"next: {result['next']}")


def _tiles(n: int) -> str:
    return "1 tile" if n == 1 else f"{n} tiles"
