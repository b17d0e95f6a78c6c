"""Which arrays can be images."""

from __future__ import annotations

import numpy as np

from napari_graft.core.errors import InputError

_REFUSED_KINDS = {
    "b": "true and false, not intensities: give the image that it was made from",
    "c": "complex numbers: save the magnitude or one part",
    "O": "Python objects: save plain numbers",
    "V": "records of several fields: save one field",
}


def refuse_unusable(shape: tuple[int, ...], dtype: np.dtype[np.generic], name: str) -> None:
    """Raise an error where an array has no pixel, or holds anything but integers and real numbers.

    Parameters
    ----------
    name
        Words that tell the user which image is meant.

    Raises
    ------
    InputError
        If so.
    """
    if 0 in shape:
        raise InputError(f"{name} has the shape {shape}, so no pixel: give another image")
    kind = np.dtype(dtype).kind
    if kind not in "iuf":
        remedy = _REFUSED_KINDS.get(kind, "no numbers: save integers or real numbers")
        raise InputError(f"{name} has the dtype {dtype}, which holds {remedy}")
    if np.dtype(dtype).itemsize > 8:
        raise InputError(f"{name} has the dtype {dtype}, which is finer than any file keeps: save float64")
