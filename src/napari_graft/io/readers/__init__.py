"""One file format a module; importing this package registers them all."""

from __future__ import annotations

from napari_graft.io.readers import digital_micrograph, hdf5, mrc, picture, tiff, zarr_folder
from napari_graft.io.readers.registry import READERS, Reader, find_reader

__all__ = [
    "READERS",
    "Reader",
    "digital_micrograph",
    "find_reader",
    "hdf5",
    "mrc",
    "picture",
    "tiff",
    "zarr_folder",
]
