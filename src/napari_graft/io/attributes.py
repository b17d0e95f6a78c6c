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
    return tuple(one for one in stated if one.lengths or one.doubt)


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
    text = attributes.get("axistags")
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    if not isinstance(text, str):
        return None
    try:
        keys = [axis["key"] for axis in json.loads(text)["axes"]]
    except (ValueError, LookupError, TypeError):
        return None
    return letters_of(keys)
