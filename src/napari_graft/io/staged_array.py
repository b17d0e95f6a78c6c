"""The unfinished pixels of a result: a zarr array that is made once and opened again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_graft.core.errors import InputError

if TYPE_CHECKING:
    import zarr

_EVERY_CHUNK = {"array.write_empty_chunks": True}
"""A chunk of background has a file as well: one that is missing is known to be lost, see `damaged_blocks`."""


def create_array(
    staged: Path,
    names: tuple[str, ...],
    shape_and_chunk: tuple[tuple[int, ...], tuple[int, ...]],
    dtype: np.dtype[np.generic],
    attributes: dict[str, object],
) -> zarr.Array[Any]:
    """Make the array of a result, all 0, in a new zarr group; each chunk carries a checksum."""
    import zarr
    from zarr.codecs import ZstdCodec

    shape, chunk = shape_and_chunk
    group = zarr.create_group(staged, zarr_format=3, attributes=attributes)
    with zarr.config.set(_EVERY_CHUNK):
        return group.create_array(
            "0",
            shape=shape,
            dtype=dtype,
            chunks=chunk,
            fill_value=0,
            dimension_names=names,
            compressors=ZstdCodec(level=0, checksum=True),
        )


def reopen_array(
    staged: Path, shape: tuple[int, ...], dtype: np.dtype[np.generic], attributes: dict[str, object]
) -> zarr.Array[Any] | None:
    """Return the unfinished array, None where there is none or its making was interrupted."""
    import zarr

    if not (staged / "0" / "zarr.json").is_file():
        return None
    group = zarr.open_group(staged, mode="r+")
    with zarr.config.set(_EVERY_CHUNK):
        array = group["0"]
    if not isinstance(array, zarr.Array):
        return None
    if array.shape != shape or array.dtype != dtype or group.attrs.asdict() != attributes:
        raise InputError(
            f"{staged.parent} holds an unfinished result of another image ({array.shape}, {array.dtype}; now "
            f"{shape}, {dtype}, or other pixels): delete that folder or choose another name"
        )
    return array
