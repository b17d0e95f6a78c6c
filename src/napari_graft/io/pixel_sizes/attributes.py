"""Pixel sizes that HDF5 files and plain zarr arrays state in their attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from napari_graft.io.axis_names import letters_of
from napari_graft.io.pixel_sizes import StatedSize, state_size

_USUAL_UNITS = {"element_size_um": "um", "voxel_size": "nm", "resolution": "nm"}
"""By ilastik and PlantSeg, by funlib, and by CREMI; values in the order of the spatial axes."""
_N5 = "pixelResolution"
"""By the exporters of Fiji: a unit, and lengths in the order x, y, z."""


def attribute_sizes(attributes: Mapping[str, object]) -> tuple[StatedSize, ...]:
    """Return the pixel sizes that attributes state, those that name their unit first."""
    stated = [_n5_size(attributes.get(_N5))]
    for name, usual_unit in _USUAL_UNITS.items():
        sizes = _flat(attributes.get(name))
        if len(sizes) not in (2, 3):
            continue
        units = _flat(attributes.get("units", attributes.get("unit")))
        if len(units) == 1:
            units *= len(sizes)
        is_unit_given = len(units) == len(sizes)
        own = units if is_unit_given else [usual_unit] * len(sizes)
        origin = f"the attribute {name!r}" + ("" if is_unit_given else f" (in {usual_unit}, as usual)")
        stated.append(
            state_size(origin, dict(zip("zyx"[-len(sizes) :], zip(sizes, own, strict=True), strict=True)))
        )
    stated.append(_axistags_size(attributes))
    return tuple(one for one in stated if one.lengths or one.doubt)


def _axistags_size(attributes: Mapping[str, object]) -> StatedSize:
    """Return the ``resolution`` of the axes of ilastik and vigra, 0 where it is not known.

    Their unit is in ``axis_units``, or the description of the axis.
    """
    units = _json(attributes.get("axis_units"))
    lengths: dict[str, tuple[object, object]] = {}
    for axis in _axes_of(attributes):
        unit = (units.get(axis.get("key")) if isinstance(units, dict) else None) or axis.get("description")
        if axis.get("resolution"):
            lengths[str(axis.get("key")).lower()] = (axis["resolution"], unit or "")
    return state_size("the attribute 'axistags'", lengths)


def _n5_size(value: object) -> StatedSize:
    origin = f"the attribute {_N5!r}"
    if not isinstance(value, Mapping):
        return StatedSize(origin)
    sizes = _flat(value.get("dimensions"))
    return state_size(
        origin, {axis: (size, value.get("unit")) for axis, size in zip("xyz", sizes, strict=False)}
    )


def _flat(value: object) -> list[object]:
    """Return the numbers or words of an attribute, none where it is something else."""
    try:
        return list(np.ravel(np.asarray(() if value is None else value)))
    except ValueError:  # lists of unequal length
        return []


def axistags_letters(attributes: Mapping[str, object]) -> str | None:
    """Return the axes that ilastik and vigra note as JSON in ``axistags``, None where they do not."""
    return letters_of([axis.get("key") for axis in _axes_of(attributes)] or None)


def _axes_of(attributes: Mapping[str, object]) -> list[dict[str, object]]:
    content = _json(attributes.get("axistags"))
    axes = content.get("axes") if isinstance(content, dict) else None
    return axes if isinstance(axes, list) and all(isinstance(axis, dict) for axis in axes) else []


def _json(text: object) -> object:
    """Return what a text says in JSON, None where it is none."""
    try:
        return json.loads(text) if isinstance(text, str | bytes) else None
    except ValueError:
        return None
