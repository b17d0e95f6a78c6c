"""What the tab Proofread & compare says, in words."""

from __future__ import annotations

from napari_graft.workbench.comparing import ComparingState
from napari_graft.workbench.comparison import Comparison
from napari_graft.workbench.preferences import preference_words


def hint_words(state: ComparingState, has_project: bool) -> str:
    """Say what can be done."""
    if not has_project:
        return "Start a project in the tab Data. Then sources and rounds can be compared on your image."
    if state.is_comparing:
        return "Segmenting the same place with each of them…"
    return "Choose two to four sources or rounds, and see them on the same place."


def agreement_words(comparison: Comparison | None) -> str:
    """Say how much the models agree."""
    if comparison is None or comparison.agreement is None:
        return ""
    return f"They agree on {comparison.agreement:.0%} of the pixels here."


def model_words(state: ComparingState, index: int) -> str:
    """Say how many objects a compared model finds, and how often it was preferred."""
    comparison = state.comparison
    if comparison is None:
        return ""
    n, reference = comparison.n_objects[index], comparison.choices[index].reference
    votes = preference_words(state.votes, reference)
    return " · ".join(part for part in (f"{n} object{'' if n == 1 else 's'}", votes) if part)


def difference_words(comparison: Comparison | None) -> str:
    """Say what the table of objects lists."""
    if comparison is None or len(comparison.choices) < 2:
        return ""
    if not comparison.differences:
        return "All objects of the first are found by the second as well."
    n = len(comparison.differences)
    return f"Of the {comparison.n_objects[0]} objects of the first, the second shows {n} differently:"
