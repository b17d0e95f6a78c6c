"""What the tab Sources says, in words: of a source, of all of them, and of a trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from napari_graft._qt.widgets.basics import in_words
from napari_graft.pretraining.record import PretrainingRecord
from napari_graft.project.documents import RankedEntry
from napari_graft.project.run_store import StoredTrial, TrialOutcome
from napari_graft.scorers.outlook import OutlookKind
from napari_graft.session.training.trial_plan import TrialPlan
from napari_graft.workbench.compare.comparison import Comparison
from napari_graft.workbench.sources.preparation_model import PreparationState
from napari_graft.workbench.sources.state import SourceRow, SourcesState
from napari_graft.workbench.sources.trial_model import TrialState

OUTLOOK_LOOKS: dict[OutlookKind, Literal["good", "faint", "warning"]] = {
    "serves": "good",
    "unsure": "faint",
    "nothing": "warning",
}
"""Colours of what to expect."""


def hint_words(state: SourcesState, has_project: bool) -> str:
    """Say what can be done, or what the order means."""
    if not has_project:
        return "Start a project in the tab Data. Then the sources can be compared with your image."
    if state.is_ranking:
        n_measured = sum(row.is_ranked for row in state.rows)
        words = "Comparing your image with what each source was trained on…"
        return f"{words} {n_measured} so far; their order may still change." if n_measured else words
    if not state.is_ranked:
        return "Not ranked yet. Rank compares your image with what each source was trained on."
    return "Best first, by all that was measured. Tick those to preview; select the one to use."


def advice_words(advised: RankedEntry | None) -> str:
    """Say what may bring the image closer to a source, and how much closer."""
    if advised is None:
        return ""
    finding = f"Compared with “{advised.title}”: {(advised.remedy or '').partition(' (z falls')[0]}."
    if advised.z is None or advised.z_after_remedy is None:
        return finding
    return f"{finding} The distance would fall from {advised.z:.0f} to {advised.z_after_remedy:.0f}."


def left_out_words(trained: Sequence[str], unsuited: Sequence[tuple[str, str]]) -> str:
    """Say which sources were not ranked, and why: by their titles, and by titles with a reason each."""
    titles_of = {"trained on this very image": list(trained)} if trained else {}
    for title, reason in unsuited:
        titles_of.setdefault(f"they are 3-D and {reason}", []).append(title)
    return "\n".join(f"Left out, because {why}: {'; '.join(titles)}." for why, titles in titles_of.items())


def in_use_words(rows: Sequence[SourceRow], chosen: str | None) -> str:
    """Say which source is used."""
    title = next((row.title for row in rows if row.id == chosen), chosen)
    return "" if chosen is None else f"In use: {title}"


def preparation_words(state: PreparationState) -> str:
    """Say what a preparation would do, or what the last one came to."""
    last = state.last
    if state.is_preparing:
        return f"“{state.title}” is being prepared on your image. Paint on; a training stops it and begins."
    if last is None:
        return f"“{state.title}” can learn how your image looks, without any label, before it is trained."
    if not last.is_changed:
        return f"“{state.title}” was not changed: it did worse at what it could do before."
    n_more = len(last.pretraining.images) - 1
    others = f" and {n_more} {'other' if n_more == 1 else 'others'}" if n_more > 0 else ""
    went = _curve_words(last.pretraining)
    return (
        f"“{state.title}” was prepared on your image{others} for {in_words(last.seconds)}. It stands under "
        f"“Start from” in the tab Train, and is used only if it is no worse on your tiles.{went}"
    )


def _curve_words(record: PretrainingRecord) -> str:
    """Say how the two losses of a preparation went."""
    ends = {name: losses for name, losses in record.curves.items() if len(losses) > 1}
    went = [f"{name} from {losses[0]:.2f} to {losses[-1]:.2f}" for name, losses in ends.items()]
    return f" Its error went {', in '.join(went)}." if went else ""


def preparation_button(state: PreparationState) -> str:
    """Return what the button of the preparation says."""
    if state.is_preparing:
        return "Stop preparing"
    if state.is_cut_off:
        return "Go on preparing it"
    return "Prepare it again" if state.last is not None else "Prepare it while I paint"


def preview_words(preview: Comparison | None) -> str:
    """Say what is shown, and how much the sources agree."""
    if preview is None:
        return ""
    found = [f"{one.title}: {n} objects" for one, n in zip(preview.choices, preview.n_objects, strict=True)]
    if preview.agreement is not None:
        found.append(f"They agree on {preview.agreement:.0%} of the pixels.")
    return "\n".join(found)


def others_words(n_folded: int, is_unfolded: bool) -> str:
    """Return what is folded away, with a mark of whether it is.

    >>> others_words(6, False)
    '▸ 6 sources of other structures'
    >>> others_words(1, True)
    '▾ 1 source of another structure'
    """
    what = "source of another structure" if n_folded == 1 else "sources of other structures"
    return f"{'▾' if is_unfolded else '▸'} {n_folded} {what}"


HIGH_CONSISTENCY, FAIR_CONSISTENCY = 0.8, 0.5
"""Consistency from which on a source is called of high, or of fair consistency."""


def title_words(row: SourceRow) -> str:
    """Return what a source is called, with a warning before one that is weak."""
    return f"weak · {row.title}" if row.is_weak else row.title


def license_words(row: SourceRow) -> str:
    """Return whether a source may be used for anything."""
    return "research use only" if row.research_only else "free"


def pixel_words(row: SourceRow) -> str:
    """Return the pixel size that a source works at."""
    return "any" if row.pixel_size is None else f"{row.pixel_size:g} nm"


def verdict_look(row: SourceRow) -> Literal["good", "link", "faint"]:
    """Return the colour of a verdict: good where the source fits, faint where it does not."""
    if row.z is None or row.verdict.startswith(("far", "finds")):
        return "faint"
    return "good" if row.verdict.startswith("like") else "link"


def consistency_words(row: SourceRow) -> str:
    """Return the consistency of a source in a word."""
    if row.consistency is None:
        return ""
    if row.consistency == 0:
        return "finds nothing"
    if row.consistency >= HIGH_CONSISTENCY:
        return "high"
    return "fair" if row.consistency >= FAIR_CONSISTENCY else "low"


def few_shot_words(row: SourceRow) -> str:
    """Return the place of a source on the painted tiles."""
    return "" if row.few_shot_place is None else "{} of {}".format(*row.few_shot_place)


def tooltip_of(row: SourceRow) -> str:
    """Return all that is known of a source, with the numbers."""
    about = [row.title, f"Finds {row.structure} · {row.species} · {row.instrument}"]
    about.append(f"Trained at {pixel_words(row)} a pixel" if row.pixel_size else "Used at any pixel size")
    about.append(f"Licence: {row.license}" + (" (research use only)" if row.research_only else ""))
    if row.is_weak:
        about.append("Weak: it finds little even in images of its own kind")
    if row.z is not None and row.p_value is not None:
        after = "" if row.z_after_remedy is None else f"; after the remedy {row.z_after_remedy:.1f}"
        about.append(f"Distance z = {row.z:.1f} deviations of chance, p = {row.p_value:.3f}{after}")
    if row.consistency is not None:
        about.append(f"Consistency of what it finds: {row.consistency:.2f} of 1")
    if row.few_shot_place is not None:
        about.append("Few-shot place: {} of {}".format(*row.few_shot_place))
    if row.combined is not None:
        about.append(f"Combined rank in all that was measured: {row.combined:.2f} (0 best, 1 last)")
    return "\n".join(about)


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
