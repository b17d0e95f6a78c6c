"""Which networks can be merged, told from their specifications alone."""

from __future__ import annotations

from collections.abc import Mapping

from napari_graft.core.errors import InputError
from napari_graft.sources.network_spec import NetworkSpec

_SHAPE = ("ndim", "widths", "strides", "norm", "offsets", "contrast_window", "inverted")
"""Fields of a specification that must agree; pixel size and diameter are those of the first network."""


def require_one_shape(specs: Mapping[str, NetworkSpec]) -> None:
    """Refuse networks that have not the same layers and answers.

    Raises
    ------
    InputError
        If there are fewer than two, they differ, or one was imported as a finished network.
    """
    if len(specs) < 2:
        raise InputError(f"{list(specs)} cannot be merged: name two sources or more")
    for name, spec in specs.items():
        if not spec.is_trainable:
            raise InputError(
                f"{name!r} was imported as a finished network, which cannot be merged: leave it out"
            )
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
