"""What the tab Train says of devices, trainings and what came of them."""

from __future__ import annotations

from napari_graft._qt.widgets.basics import in_words
from napari_graft.core.tile import Tile
from napari_graft.jobs.builtin.device import Device
from napari_graft.project.results import Result
from napari_graft.sources.card import LeadingScore
from napari_graft.workbench.train.model import TrainingState
from napari_graft.workbench.train.rounds import ComparedModel, MadeOf, Round, Unfinished

BEFORE_FIRST_CURVE = "While a training goes on, its curve is drawn here: the lower, the better."
NOTE_ON_SIZE = "Measured on the held-out part of {tiles}: that is little, so small differences mean nothing."
_DECIDES: dict[LeadingScore, str] = {
    "vi": "VI decides which round is used.",
    "ap50": "AP decides which round is used: the mean of AP50 and the same at stricter overlaps.",
}
_ENDS = {
    "cancel": "; stopped on request, and its best model kept",
    "flat": "; ended early, as it no longer got better",
}


def describe_device(device: Device | None, memory_mb: float | None) -> str:
    """Return where a training runs and the memory that it takes."""
    used = "" if memory_mb is None else f"{memory_mb / 1024:.1f}"
    if device is None:
        return f"{used} GB of memory in use" if used else ""
    if device.is_gpu:
        whole = f"{(device.memory_mb or 0) / 1024:.0f} GB"
        return f"{device.name} · {used} of {whole}" if used else f"{device.name} · {whole}"
    cores = "1 core" if device.n_cores == 1 else f"{device.n_cores} cores"
    if used:
        return f"CPU ({cores}) · {used} GB of memory in use"
    return f"Training on the CPU ({cores}); a round of 4 tiles takes about 2 minutes."


def describe_progress(state: TrainingState) -> str:
    """Return how far a training is."""
    if not state.is_training:
        return ""
    message = f"{state.message[:1].upper()}{state.message[1:]}"
    if not state.steps:
        return f"{message}…" if message else "Starting…"
    words = f"Step {state.steps}"
    if state.expected_steps is not None and state.seconds_left is not None:
        left = f"{in_words(state.seconds_left)} left" if state.seconds_left >= 1 else "nearly done"
        words += f" of about {state.expected_steps}, {left}"
    return f"{words}. {message}" if message else words


def describe_unfinished(unfinished: Unfinished | None) -> str:
    """Return what can be gone on with."""
    if unfinished is None:
        return ""
    return f"A training was cut off after {_steps(unfinished.steps)}. Nothing of it is lost."


def describe_outcome(last: Round) -> str:
    """Return whether a round made things better."""
    if not last.steps:
        return "It was stopped before it had learned anything."
    words = f"{_steps(last.steps)} in {in_words(last.seconds)}, {_from(last)}"
    told = f"{_verdict(last)} ({words}{_ENDS.get(last.stopped_by, '')}.)"
    return " ".join([told, *(f"{one[:1].upper()}{one[1:]}." for one in (last.choice, last.note) if one)])


def describe_shares(made: MadeOf) -> str:
    """Return how much of a merged model is of each that was merged."""
    if not made.shares:
        return ""
    parts = [f"{share:.0%} of {title}" for title, share in zip(made.titles, made.shares, strict=True)]
    return f"It is made of {', '.join(parts[:-1])} and {parts[-1]}. Level by level:"


def describe_use(last: Round) -> str:
    """Return whether a round is in use, and who decided that."""
    if last.is_kept:
        reasons = {
            True: "In use: being no worse on the held-out part, it took over by itself.",
            False: "In use, because you kept it.",
            None: "In use: there was nothing to compare it with.",
        }
        return reasons[last.is_no_worse if last.has_objects else False]
    if not last.has_objects:
        return "Not in use: no object was painted to learn from."
    if last.is_no_worse is False:
        return "Not in use: being worse on the held-out part, it was put aside by itself."
    return "Not in use: you rolled it back." if last.steps else "Not in use."


def describe_model(model: ComparedModel, last: Round) -> str:
    """Return what a row of the comparison is about."""
    names = {
        "new": f"New (round {last.number})",
        "previous": "Round before",
        "source": "Untouched source" if last.made_of is None else "Best of what was merged, untouched",
    }
    return names[model.who]


def measure_name(measure: LeadingScore) -> str:
    """Return what a score is called."""
    return {"vi": "VI", "ap50": "AP50"}[measure]


def measure_tip(measure: LeadingScore) -> str:
    """Return what the numbers of the comparison mean."""
    scores = {
        "vi": "VI: how much is split or merged wrongly, in bits; 0 is perfect, lower is better.",
        "ap50": "AP50: share of objects that are found rightly; 1 is perfect, higher is better.",
    }
    return (
        f"{scores[measure]}\nError: that of the network before objects are made of it; lower is better.\n"
        f"{_DECIDES[measure]} Where two are equal in it, the error does."
    )


def describe_result(results: tuple[Result, ...], shown: str | None, shape: tuple[int, ...]) -> str:
    """Return what is segmented and where."""
    found = [result.record for result in results if result.record.run == shown]
    if not found:
        return ""
    record = found[0]
    objects = "1 object" if record.n_objects == 1 else f"{record.n_objects} objects"
    words = f"Round {int(record.run)} found {objects}"
    if record.region == Tile((0,) * len(shape), shape):
        return f"{words} in the whole image."
    ranges = zip("zyx"[-len(shape) :], record.region.start, record.region.stop, strict=True)
    where = ", ".join(f"{name} {a}–{b - 1}" for name, a, b in ranges)
    return f"{words} around what you painted ({where}). The image is too large to segment it all each time."


def number(value: float | None) -> str:
    """Return a score as it stands in a table.

    >>> number(0.3149), number(None)
    ('0.31', '–')
    """
    return "–" if value is None else f"{value:.2f}"


def _verdict(last: Round) -> str:
    rival, comparison = last.rival, last.comparison
    if last.models[0].loss is None:
        return "Nothing is held out yet, so nothing tells how good it is: look at the result."
    if rival is None or comparison is None:
        return "There was nothing to compare it with: look at the result."
    untouched = "the untouched source" if last.made_of is None else "the best of what was merged"
    than = "the round before" if rival.who == "previous" else untouched
    words = {"better": "Better than", "equal": "As good as", "worse": "Worse than"}
    return f"{words[comparison]} {than}, on the held-out part."


def _steps(n: int) -> str:
    return "1 step" if n == 1 else f"{n} steps"


def _from(last: Round) -> str:
    if last.made_of is not None:
        return f"merged from {' and '.join(last.made_of.titles)}"
    return last.start if last.start.startswith("from ") else f"from {last.start}"
