"""What the tab Sources says of a source, in words; the numbers are for those who ask."""

from __future__ import annotations

from typing import Literal

from napari_graft.workbench.source_rows import SourceRow

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
