"""What looks odd about an image, in words, before any work begins."""

from __future__ import annotations

from napari_graft.core.axes import Axes

_PLAUSIBLE_NM: dict[str, tuple[float, float]] = {
    "neurites": (1.0, 120.0),
    "axons": (1.0, 500.0),
    "mitochondria": (1.0, 200.0),
    "organelles": (1.0, 200.0),
    "nuclei": (20.0, 5_000.0),
    "cells": (20.0, 20_000.0),
}
"""From the finest to the coarsest pixels at which the structure is usually imaged."""
_MOST_ANISOTROPIC = 40.0

USUAL_NM: dict[str, tuple[tuple[str, float], ...]] = {
    "neurites": (("4 nm (ssTEM)", 4.0), ("10 nm (FIB-SEM)", 10.0)),
    "axons": (("10 nm (TEM)", 10.0), ("100 nm (SEM)", 100.0)),
    "mitochondria": (("5 nm (FIB-SEM)", 5.0), ("10 nm (SBEM)", 10.0)),
    "organelles": (("5 nm (FIB-SEM)", 5.0), ("10 nm (SBEM)", 10.0)),
    "nuclei": (("0.33 µm (20 ×)", 325.0), ("0.65 µm (10 ×)", 650.0)),
    "cells": (("0.33 µm (20 ×)", 325.0), ("0.65 µm (10 ×)", 650.0)),
}
"""By structure two usual pixel sizes, in words and in nanometres."""


def pixel_size_hint(axes: Axes, structure: str | None, doubt: str = "") -> str:
    """Return what looks odd about a pixel size, in one line; empty where nothing does.

    Parameters
    ----------
    doubt
        What looked odd where it was read, or why nothing that was found is believed.
    """
    size = axes.pixel_size_in("nm")
    if doubt:
        return f"{'Not known: ' if size is None else ''}{doubt}. What is right?"
    if size is None:
        return "Not known. With it, sources work at the scale that they were trained at."
    return _oddity(size, structure)


def _oddity(size: tuple[float, ...], structure: str | None) -> str:
    if max(size) / min(size) > _MOST_ANISOTROPIC:
        return f"One side of a pixel is {max(size) / min(size):.0f} times another: is the unit right?"
    low, high = _PLAUSIBLE_NM.get(structure or "", (0.0, float("inf")))
    if size[-1] < low:
        return f"{size[-1]:g} nm is unusually fine for {structure}: is the unit right?"
    if size[-1] > high:
        return f"{size[-1]:g} nm is unusually coarse for {structure}: is the unit right?"
    if size[-1] != size[-2]:
        return f"Pixels are not square ({size[-2]:g} × {size[-1]:g} nm): is that right?"
    return ""
