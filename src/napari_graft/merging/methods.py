"""The ways of merging that ship: what each is called, what it does in plain words, and where it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """Merge method of this program, as a window lists it without loading networks.

    Parameters
    ----------
    name
        What it is asked for by.
    title
        What people call it.
    words
        What it does, without terms of the field.
    place
        Module beside this one and class in it, ``module:Class``.
    """

    name: str
    title: str
    words: str
    place: str


METHODS = (
    MethodEntry(
        "kernel",
        "Filter by filter",
        "finds out for a sixth of the time what to take of each source, then trains the result.",
        "kernel:Kernel",
    ),
    MethodEntry(
        "average", "The average", "takes the same of each source, then trains the result.", "average:Average"
    ),
    MethodEntry(
        "probing",
        "Filter by filter, with more time",
        "finds out for half of the time what to take of each source, then trains the result gently.",
        "probing:Probing",
    ),
    MethodEntry(
        "slices",
        "In finer pieces",
        "the same with finer pieces of the sources, once twenty tiles are painted.",
        "slices:Slices",
    ),
    MethodEntry(
        "consistent",
        "With the whole image",
        "looks at places that are not painted as well: what is found there should not depend on brightness.",
        "consistency:Consistent",
    ),
    MethodEntry(
        "soup",
        "Train each, then mix",
        "trains every source on your tiles, and mixes those that are better together than the best alone.",
        "soup:GreedySoup",
    ),
    MethodEntry(
        "distilled",
        "Ask all, teach one",
        "lets all sources answer on your image, those that know similar images counting more, and teaches "
        "one model what they say and what you painted.",
        "distillation:DistilledEnsemble",
    ),
)
"""Each method is one file, and one entry here; the usual one first."""
