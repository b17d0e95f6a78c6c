"""Views of a source as candidates of their own: plain, negative, the image at half and twice its scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from napari_graft.scorers.best_view import nearest_view
from napari_graft.sources.source import Source, id_without_view, invert_source

FACTORS = (0.5, 2.0)
"""By which the image is enlarged, beside 1, the scale that the program finds."""
_SCALED = "@x"

Readings = Mapping[str, float]


def views_of(source: Source) -> list[Source]:
    """Return a source as it is, shown the negative, and shown the image at other scales.

    At other scales only where it knows its pixel size or the width of its objects.
    """
    scaled = [scale_source(source, factor) for factor in FACTORS]
    return [source, invert_source(source), *(one for one in scaled if one.card.spec != source.card.spec)]


def scale_source(source: Source, factor: float) -> Source:
    """Return the same source, which from now on sees the image enlarged by a factor.

    Its weights, its fingerprint and all else on its card stay.
    """
    card, spec = source.card, source.card.spec
    changes: dict[str, object] = {}
    if spec.pixel_size is not None:
        *depth, y, x = spec.pixel_size
        changes["pixel_size"] = (*depth, y / factor, x / factor)
    if spec.object_diameter is not None:
        changes["object_diameter"] = spec.object_diameter * factor
    seen = {
        "id": f"{card.id}{_SCALED}{factor:g}",
        "title": f"×{factor:g} · {card.title}",
        "spec": spec.model_copy(update=changes),
    }
    return replace(source, card=card.model_copy(update=seen))


def plain_id(source_id: str) -> str:
    """Return the id of the source that a candidate is a view of.

    >>> plain_id("nuclei-u2os@inverted"), plain_id("nuclei-u2os@x0.5"), plain_id("nuclei-u2os")
    ('nuclei-u2os', 'nuclei-u2os', 'nuclei-u2os')
    """
    return id_without_view(source_id).partition(_SCALED)[0]


def views_of_program(readings: Mapping[str, Readings]) -> list[str]:
    """Return of each source the candidate that the program would rank: it itself, or its negative.

    See `napari_graft.session.ranking.evidence.Measurer.best_view`.

    Parameters
    ----------
    readings
        What each scorer said of each candidate, by the id of the candidate.
    """
    return [_view_of_program(views, readings) for views in _by_source(readings).values()]


def _by_source(candidates: Mapping[str, Readings]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for candidate in candidates:
        found.setdefault(plain_id(candidate), []).append(candidate)
    return found


def _view_of_program(views: Sequence[str], readings: Mapping[str, Readings]) -> str:
    plain = plain_id(views[0])
    negative = [one for one in views if one != plain and id_without_view(one) == plain]

    def z(view: str) -> float | None:
        return -readings[view]["mmd"] if "mmd" in readings[view] else None

    return nearest_view([plain, *negative], z, lambda view: readings[view].get("consistency", 1.0))
