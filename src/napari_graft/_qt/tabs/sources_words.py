"""What the tab Sources says, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from napari_graft.project.ranking import RankedEntry
from napari_graft.scorers.outlook import OutlookKind
from napari_graft.workbench.comparison import Comparison
from napari_graft.workbench.source_rows import SourceRow
from napari_graft.workbench.sources_state import SourcesState

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
