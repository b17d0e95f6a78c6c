"""Pixel sizes that HDF5 files and plain zarr arrays state in their attributes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from napari_graft.io.layout import collect_lengths

_UNITS_BY_ATTRIBUTE = {"element_size_um": "um", "voxel_size": "nm", "resolution": "nm"}
"""By ilastik and PlantSeg, by funlib, and by CREMI and N5; values in the order of the spatial axes."""


def attribute_pixel_size(attributes: Mapping[str, object]) -> dict[str, tuple[float, str]]:
    """Return the pixel size by axis letter from the first attribute that states one, else nothing."""
    for name, usual_unit in _UNITS_BY_ATTRIBUTE.items():
        sizes = np.ravel(np.asarray(attributes.get(name, ())))
        if len(sizes) not in (2, 3):
            continue
        units = np.ravel(np.asarray(attributes.get("units", ())))
        own = list(units) if len(units) == len(sizes) else [usual_unit] * len(sizes)
        letters = "zyx"[-len(sizes) :]
        return collect_lengths(dict(zip(letters, zip(sizes, own, strict=True), strict=True)))
    return {}


def letters_of(names: object) -> str | None:
    """Return axis names such as ``["z", "y", "x"]`` as ``"zyx"``, None where they are not of tczyx."""
    if not isinstance(names, list | tuple):
        return None
    letters = [str(name).lower() for name in names]
    return "".join(letters) if letters and set(letters) <= set("tczyx") else None
