"""Arrays in numpy's own format that may come from anyone: numbers alone, and only as many as are there."""

from __future__ import annotations

import io
from math import prod

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError

_MAX_DIMENSIONS = 32
_NUMBERS = "biuf"


def parse_npy(data: bytes, title: str) -> NDArray[np.generic]:
    """Return the array in the bytes of an ``.npy`` file; pickled objects are refused and never loaded.

    Raises
    ------
    InputError
        If it is damaged, holds no numbers, or says that it holds more than is there; `title` names it.
    """
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = read_header(file)
        if dtype.kind not in _NUMBERS or len(shape) > _MAX_DIMENSIONS:
            raise InputError(f"{title} holds {dtype} of shape {shape}, which are no images")
        n_bytes = prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or n_bytes != len(data) - file.tell():
            raise InputError(f"{title} is truncated or damaged: it holds no {shape} of {dtype}")
        flat: NDArray[np.generic] = np.frombuffer(data, dtype, offset=file.tell())
        return flat.reshape(shape, order="F" if is_fortran else "C")
    except InputError:
        raise
    except Exception as error:
        # numpy reads its header by Python's own parser, which fails on foreign bytes in any of its ways.
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{title} cannot be read ({reason}): get it again") from None
