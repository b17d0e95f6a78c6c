"""What the tab Annotate says."""

from __future__ import annotations

from napari_graft.workbench.annotating_state import AT_ONCE, AnnotatingState

COLOURS = "Filled: what is painted; blue is background. Outlined: the guess."
"""What the colours on the canvas mean."""


def painted_words(state: AnnotatingState) -> str:
    """Return how many tiles are painted, before the field with the number that is meant to be."""
    return f"Tiles painted: {state.queue.n_done} of"


def suggest_words(state: AnnotatingState, *, has_project: bool) -> tuple[str, str]:
    """Return what the button that suggests tiles says, and its tooltip."""
    n = state.n_to_suggest
    if state.is_suggesting:
        return "Suggesting…", "Looking for the tiles that are most worth painting"
    if has_project and n == 0:
        return "All tiles are suggested", "Raise the number of tiles above to have more suggested"
    tip = (
        "Find the tiles that are most worth painting: where the model is unsure, or has seen nothing like it"
    )
    more = " more" if state.queue.tiles else ""
    tiles = "tile" if n == 1 else "tiles"
    return (f"Suggest {n or AT_ONCE}{more}" if more else f"Suggest {n or AT_ONCE} {tiles}"), tip


def empty_words(*, has_project: bool) -> str:
    """Return what the list says while it is empty."""
    if not has_project:
        return "No project is open yet: start one in the tab Data."
    return "No tiles yet. Few tiles are enough, if they are the right ones: let them be suggested."


def forgotten_words(n: int) -> str:
    """Return the question about unlabelled pixels."""
    pixels = "1 pixel is" if n == 1 else f"{n:,} pixels are"
    return f"{pixels} not labelled yet. Paint on, or count them as background."
