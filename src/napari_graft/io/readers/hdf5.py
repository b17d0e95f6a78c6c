"""HDF5 files, one dataset each: ``FILE::/group/dataset``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from napari_graft.core.errors import InputError
from napari_graft.io.attributes import attribute_sizes, letters_of
from napari_graft.io.foreign import foreign_errors
from napari_graft.io.layout import RawImage
from napari_graft.io.readers.registry import DATASET_MARK, READERS, Reader
from napari_graft.io.volume import LazyArray

if TYPE_CHECKING:
    import h5py

N_LISTED = 20
MIN_NDIM = 2


def read_hdf5(path: str) -> RawImage:
    """Open one dataset; its name may be left out where the file holds a single one.

    Raises
    ------
    InputError
        If the file is no HDF5 file or has no such dataset; the message lists those that it has.
    """
    import h5py

    location, _, name = path.partition(DATASET_MARK)
    with foreign_errors(
        f"{location} cannot be read as HDF5", "it is damaged or of another kind, make a new copy"
    ):
        file = h5py.File(location, "r")
        dataset = _choose(file, location, name.strip("/"))
        axes = letters_of([dimension.label for dimension in dataset.dims])
        # the dataset keeps the file open for as long as someone holds it
        return RawImage(cast(LazyArray, dataset), axes, attribute_sizes(dict(dataset.attrs)))


def _choose(file: h5py.File, location: str, name: str) -> h5py.Dataset:
    import h5py

    found: dict[str, h5py.Dataset] = {}

    def keep(key: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None and item.ndim >= MIN_NDIM:
            found[key] = item

    file.visititems(keep)
    if name in found:
        return found[name]
    if not name and len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise InputError(f"{location} holds no dataset of two or more axes: give another file")
    listed = ", ".join(f"/{key} {item.shape}" for key, item in list(found.items())[:N_LISTED])
    problem = f"has no dataset /{name}" if name else f"holds {len(found)} datasets"
    raise InputError(f"{location} {problem}: choose one as {location}{DATASET_MARK}/NAME from {listed}")


READERS.register("HDF5")(Reader((".h5", ".hdf5", ".hdf", ".he5"), read_hdf5, has_datasets=True))
