"""Which of the pixel sizes that a file states is believed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from napari_graft.core.axes import Axes, nanometres_per
from napari_graft.io.pixel_sizes.stated import SizeNote, StatedSize, in_unit
from napari_graft.io.pixel_sizes.words import lengths_words

FINEST_NM, COARSEST_NM = 0.05, 1e5
"""Pixels in the plane of half an ångström, as of single particles, to 100 µm, as of whole animals."""
_ROUNDING = 1e-6
_DEEPEST, _FLATTEST = 100.0, 0.1
"""Usual ratios of the distance between slices to the width of a pixel."""
_LEAST_SQUARE = 2.0
"""Usual ratio of the longer to the shorter side of a pixel, at most."""


def judge_sizes(names: Sequence[str], stated: Iterable[StatedSize]) -> tuple[Axes, SizeNote]:
    """Take the first pixel size that has a plausible length for each axis.

    A length that cannot be that of a pixel, or one that is only implied and odd, is not believed. One that is
    written with its unit and merely odd, such as slices 400 pixels apart, is taken, and what is odd is told.

    Parameters
    ----------
    names
        The spatial axes of the image.
    stated
        What the places of the file say, the surest first.

    Returns
    -------
    axes, note
        The pixel size in the unit of x, or none; where it is from, or why none is believed.
    """
    doubts = []
    for one in stated:
        if not one.lengths and not one.doubt:
            continue
        doubt = _reason_against(one, names)
        if not doubt:
            return _axes(one, names), SizeNote(one.origin, _oddity(one, names))
        doubts.append(f"{one.origin} {doubt}")
    return Axes(tuple(names)), SizeNote(doubt="; ".join(doubts))


def _axes(stated: StatedSize, names: Sequence[str]) -> Axes:
    """Return the sizes in the unit of x."""
    unit = stated.lengths["x"][1]
    return Axes(tuple(names), tuple(in_unit(*stated.lengths[name], unit) for name in names), unit)


def _reason_against(stated: StatedSize, names: Sequence[str]) -> str:
    """Return why a statement is not taken, in words that follow its origin; empty where it is."""
    found = {name: stated.lengths[name] for name in names if name in stated.lengths}
    missing = [name for name in names if name not in found]
    if missing and stated.doubt:
        return stated.doubt
    if missing:
        return f"says {lengths_words(found)}, and nothing of {' and '.join(missing)}"
    for name in ("y", "x"):
        nanometres = found[name][0] * nanometres_per(found[name][1])
        if not FINEST_NM * (1 - _ROUNDING) <= nanometres <= COARSEST_NM * (1 + _ROUNDING):
            which = "fine" if nanometres < FINEST_NM else "coarse"
            return f"says {lengths_words(found)}, too {which} for a pixel of a microscope"
    oddity = _oddity(stated, names)
    if oddity and not stated.is_calibration:
        return f"says {lengths_words(found)}: {oddity}"
    if stated.implied and oddity:
        return f"says {lengths_words({n: v for n, v in found.items() if n not in stated.implied})}, {oddity}"
    return ""


def _oddity(stated: StatedSize, names: Sequence[str]) -> str:
    """Return what is unusual about the lengths of a pixel to each other, empty where nothing is."""
    size = {name: stated.lengths[name][0] * nanometres_per(stated.lengths[name][1]) for name in names}
    ratio = max(size["y"], size["x"]) / min(size["y"], size["x"])
    if ratio > _LEAST_SQUARE * (1 + _ROUNDING):
        return f"a pixel is {ratio:.4g} times as long along one axis of the plane as along the other"
    if "z" not in size:
        return ""
    depth = size["z"] / size["x"]
    if not _FLATTEST * (1 - _ROUNDING) <= depth <= _DEEPEST * (1 + _ROUNDING):
        implied = "nothing of z, and with the 1 that goes without saying " if "z" in stated.implied else ""
        return f"{implied}slices are {depth:.4g} times as far apart as a pixel is wide"
    return ""
