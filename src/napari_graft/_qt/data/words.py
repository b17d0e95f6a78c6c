"""What the tab Data says of an image and a project."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_graft.core.axes import nanometres_per
from napari_graft.io.opening import GIVEN
from napari_graft.project.project import Project
from napari_graft.session.projects.object_diameter import DiameterOrigin
from napari_graft.sources.card import Structure
from napari_graft.workbench.data.layer_image import ExtraAxis, LayerImage, Meaning
from napari_graft.workbench.data.state import DataState

STRUCTURES: dict[Structure | None, str] = {
    None: "choose…",
    "neurites": "neurites (nerve cell branches in EM)",
    "axons": "axons (myelinated)",
    "mitochondria": "mitochondria",
    "organelles": "other organelles",
    "nuclei": "nuclei",
    "cells": "whole cells",
}


def describe_image(image: LayerImage | None) -> str:
    """Return shape and type of an image in one line."""
    if image is None:
        return "No image is open yet."
    kind = "colour, " if image.has_channels else ""
    return f"{' × '.join(map(str, image.shape))} · {kind}{np.dtype(image.data.dtype).name}"


MEANINGS: dict[Meaning | None, str] = {
    None: "choose…",
    "slices": "slices (z)",
    "channels": "channels",
    "colours": "red, green, blue",
    "time": "time points",
}


def words_of_axes(extra: Sequence[ExtraAxis]) -> str:
    """Return what the axes beside y and x are taken for and who says so, or what is still to be said."""
    if any(one.meaning is None for one in extra):
        return "Say what these axes are: nothing tells."
    open_ones = [one for one in extra if one.is_picked and one.index is None]
    if open_ones:
        what = "channel" if open_ones[0].meaning == "channels" else "time point"
        return f"{_taken_for(open_ones[0])}. Choose the {what} to segment."
    return " ".join(f"{_taken_for(one)}." for one in extra if one.said_by != "user")


def names_of_parts(one: ExtraAxis) -> list[str]:
    """Return what its channels or time points are called."""
    what = "channel" if one.meaning == "channels" else "time point"
    names = one.names or [""] * one.n
    return [f"{i} {name}" if name else f"{what} {i}" for i, name in enumerate(names)]


def _taken_for(one: ExtraAxis) -> str:
    meaning = MEANINGS[one.meaning]
    if one.said_by == "file":
        return f"The axis of {one.n} is {meaning}, as the file says"
    if one.said_by == "user":
        return f"The axis of {one.n} is {meaning}"
    return f"The axis of {one.n} is taken for {meaning}: nothing says what it is"


def words_of_size(state: DataState) -> str:
    """Return where the pixel size is from, or what looks odd about it."""
    if state.image is None:
        return ""
    if state.size_error or state.fixed:
        return state.size_error or f"Fixed: {state.fixed}."
    if state.hint:
        return state.hint
    origin = state.size_note.origin
    where = f"from {origin} ✓" if origin and origin != GIVEN else "as typed"
    return f"{where}; what you change applies at once" if state.is_of_project else where


def words_of_diameter(state: DataState) -> str:
    """Return how wide objects are in units of length, and where that is from."""
    if state.image is None:
        return ""
    if state.diameter_error:
        return state.diameter_error
    known = state.known_diameter
    length = "" if known.pixels is None else _length(known.pixels, state)
    words = f"{length} · {_FROM[known.origin]}" if length else _FROM[known.origin]
    return f"{words.rstrip('.')}. Fixed: {state.fixed}." if state.fixed else words


_FROM: dict[DiameterOrigin, str] = {
    "said": "as you said",
    "trained": "what a round was trained with",
    "found": "found in the image",
    "not found": "Not found in the image: say it if you can.",
    "unknown": "Not known: sources that need it will find it.",
}


def _length(pixels: float, state: DataState) -> str:
    """Return a width in the plane in units of length, empty where a pixel has none."""
    if state.pixel_size is None:
        return ""
    sizes = [size * nanometres_per(state.unit) for size in state.pixel_size[-2:]]
    nanometres = pixels * math.sqrt(sizes[0] * sizes[1])
    return f"{_short(nanometres)} nm" if nanometres < 1000 else f"{_short(nanometres / 1000)} µm"


def _short(number: float) -> str:
    """Write a number with three digits and no exponent."""
    return f"{float(f'{number:.3g}'):g}"


def names_of_projects(folders: Sequence[Path]) -> list[str]:
    """Return what projects are called, with the folder where they lie for those of one name.

    >>> names_of_projects([Path("a/cortex.graft"), Path("b/cortex.graft"), Path("b/axons.graft")])
    ['cortex (a)', 'cortex (b)', 'axons']
    """
    stems = [folder.stem for folder in folders]
    return [
        f"{stem} ({folder.parent.name})" if stems.count(stem) > 1 else stem
        for stem, folder in zip(stems, folders, strict=True)
    ]


def describe_project(project: Project | None) -> str:
    """Return what a project holds, in one line."""
    if project is None:
        return ""
    cost = project.cost()
    tiles = "1 tile" if cost.n_tiles == 1 else f"{cost.n_tiles} tiles"
    rounds = "1 round" if cost.n_runs == 1 else f"{cost.n_runs} rounds"
    return f"Open: {project.manifest.name} · {tiles} painted · {rounds} trained"
