"""Merge networks: see that they fit, bring their channels in one order, and let a method do the rest."""

from __future__ import annotations

from collections.abc import Mapping

from napari_graft.core.errors import InputError
from napari_graft.merging.alignment import align
from napari_graft.merging.method import Lesson, Merged
from napari_graft.merging.methods import MERGE_METHODS
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.spec import ModelSpec

_SHAPE = ("ndim", "widths", "strides", "norm", "offsets")
"""Fields of a specification that must agree; the pixel size is that of the first network."""


def merge_networks(members: Mapping[str, ResidualUNet], method: str, lesson: Lesson) -> Merged:
    """Merge networks by a method of `MERGE_METHODS`.

    Parameters
    ----------
    members
        Two networks or more, by name, which stay as they are. The others are brought into the order of the
        first.
    lesson
        What may be learned from.

    Raises
    ------
    InputError
        If they are of different shapes, or there is no such method.
    """
    require_one_shape({name: network.spec for name, network in members.items()})
    anchor, *others = members.values()
    return MERGE_METHODS[method].merge([anchor, *(align(other, anchor) for other in others)], lesson)


def require_one_shape(specs: Mapping[str, ModelSpec]) -> None:
    """Refuse networks that have not the same layers and answers.

    Raises
    ------
    InputError
        If there are fewer than two, or they differ.
    """
    if len(specs) < 2:
        raise InputError(f"{list(specs)} cannot be merged: name two sources or more")
    (first, wanted), *others = specs.items()
    for name, spec in others:
        for field in _SHAPE:
            mine, its = getattr(wanted, field), getattr(spec, field)
            if mine != its:
                raise InputError(
                    f"{first!r} and {name!r} cannot be merged, as their networks differ in {field} "
                    f"({_short(mine)} and {_short(its)}): choose sources of one shape, such as two 2-D ones"
                )


def _short(value: object) -> str:
    words = str(value)
    return words if len(words) <= 60 else f"{words[:57]}…"
