"""Keep Python's garbage collector from making the window wait."""

from __future__ import annotations

import gc


def spare_what_stays() -> None:
    """Let the collector leave alone what is there now: modules, napari and its window.

    To look through all of that takes it 0.2 s, which it does every now and then, and napari asks it to
    whenever a layer is removed. What is left alone is freed all the same once nothing refers to it; only
    rings of objects that refer to each other wait for `look_at_all_again`.
    """
    gc.freeze()


def look_at_all_again() -> None:
    """Let the collector find rings of objects wherever they are."""
    gc.unfreeze()
