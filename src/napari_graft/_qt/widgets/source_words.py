"""What the tab Sources says of a source, in words; the numbers are for those who ask."""

from __future__ import annotations

from typing import Literal

from napari_graft.workbench.source_rows import SourceRow

STEADY, FAIRLY_STEADY = 0.8, 0.5
"""Steadiness from which on a source is called so."""


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


def steadiness_words(row: SourceRow) -> str:
    """Return how steady what a source finds is, in a word."""
    if row.steadiness is None:
        return ""
    if row.steadiness == 0:
        return "finds nothing"
    if row.steadiness >= STEADY:
        return "steady"
    return "fairly steady" if row.steadiness >= FAIRLY_STEADY else "unsteady"


def place_words(row: SourceRow) -> str:
    """Return the place of a source on the painted tiles."""
    return "" if row.place_on_tiles is None else "{} of {}".format(*row.place_on_tiles)


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
    if row.steadiness is not None:
        about.append(f"Steadiness of what it finds: {row.steadiness:.2f} of 1")
    if row.place_on_tiles is not None:
        about.append("Place on your tiles: {} of {}".format(*row.place_on_tiles))
    if row.standing is not None:
        about.append(f"Standing in all that was measured: {row.standing:.2f} (0 best, 1 last)")
    return "\n".join(about)
