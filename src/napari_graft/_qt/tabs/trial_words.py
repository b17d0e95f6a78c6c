"""What the tab Sources says of a trial."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft._qt.widgets.duration import in_words
from napari_graft.project.trial import StoredTrial, TrialOutcome
from napari_graft.session.planning import TrialPlan
from napari_graft.workbench.trial import TrialState

_MEASURES = {
    "vi": ("VI", "VI: how much is split or merged wrongly, in bits; lower is better."),
    "ap50": ("AP50", "AP50: share of objects that are found rightly; higher is better."),
}


def describe_plan(state: TrialState) -> str:
    """Say what is proposed, and what the winner gets."""
    plan = state.plan
    if plan is None:
        return state.obstacle
    each = " each" if len(plan.shortlist) > 1 else ""
    training = f"{in_words(plan.seconds_each)} of training{each}"
    return f"Plan: try {_listed(state.titles)} on {_tiles(plan.n_tiles)}, {training}. {_rest(plan)}"


def describe_missing(state: TrialState) -> str:
    """Say what is missing before the trial, empty where nothing is."""
    if not state.n_missing:
        return ""
    verb = "is" if state.n_missing == 1 else "are"
    return f"{_tiles(state.n_missing)} {verb} still to be painted before that."


def button_words(state: TrialState) -> str:
    """Say what the button does."""
    if state.is_trying:
        return "Trying…"
    if state.n_missing:
        return "Paint them first"
    if state.last is not None:
        return "Try again"
    if state.plan is not None and len(state.plan.shortlist) == 1:
        return "Try it"
    return "Try them"


def button_tip(state: TrialState) -> str:
    """Say what happens on a click."""
    if state.n_missing:
        return f"{describe_missing(state)} Leads to the tab Annotate."
    return (
        "Trains each on your tiles and compares them on a part that none is trained on.\n"
        "The best one is used. You can go on painting meanwhile."
    )


def describe_winner(trial: StoredTrial) -> str:
    """Say which source won and what became of it."""
    if trial.winner is None:
        done = f"{len(trial.outcomes)} of {len(trial.sources)}"
        return f"Not finished: {done} sources are done. Trying them again goes on, if the plan is the same."
    title = next(one.title for one in trial.outcomes if one.source == trial.winner)
    if trial.kept:
        return f"{title} won. Its training is in use now; the tab Train goes on from it."
    return f"{title} won, but the round in use before is better on the held-out part and stays in use."


def describe_measure(trial: StoredTrial) -> tuple[str, str]:
    """Return the name of the score that decides, and what it means."""
    name, meaning = _MEASURES[trial.measure]
    tiles = _tiles(trial.n_tiles)
    return name, f"{meaning}\nMeasured on the held-out part of {tiles}: small differences mean nothing."


def outcome_cells(one: TrialOutcome, winner: str | None) -> tuple[str, str, str]:
    """Return the cells of a row: the source, its score untouched, and its score after the training."""
    mark = "✓ " if one.source == winner else ""
    return mark + one.title, _number(one.score_untouched), _number(one.score)


def _rest(plan: TrialPlan) -> str:
    left = in_words(plan.seconds_left)
    if not plan.n_tiles_left:
        return f"The best one gets the other {left}."
    return f"The best one gets the other {left} and {_tiles(plan.n_tiles_left)} more."


def _listed(titles: Sequence[str]) -> str:
    quoted = [f"“{title}”" for title in titles]
    return "".join(quoted) if len(quoted) < 2 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _tiles(n: int) -> str:
    return "1 tile" if n == 1 else f"{n} tiles"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
