"""A source that is shown the image with dark and bright swapped: the other view of it."""

from __future__ import annotations

from dataclasses import replace

from napari_graft.sources.source import Source

MARK = "@inverted"
"""Ends the reference of a source that is shown the negative of an image, as in ``nuclei-u2os@inverted``."""


def invert_source(source: Source) -> Source:
    """Return the same source, which from now on sees the negative of an image.

    Its weights, its fingerprint and all else on its card stay. Training goes on from it in that view, as the
    specification of a network says how an image is brought to it.
    """
    card = source.card
    spec = card.spec.model_copy(update={"inverted": not card.spec.inverted})
    seen = {"id": card.id + MARK, "title": f"inverted · {card.title}", "spec": spec}
    return replace(source, card=card.model_copy(update=seen))


def id_without_view(reference: str) -> str:
    """Return the id of the source that a reference names, whichever view of it.

    >>> id_without_view("nuclei-u2os@inverted"), id_without_view("nuclei-u2os")
    ('nuclei-u2os', 'nuclei-u2os')
    """
    return reference.removesuffix(MARK)
