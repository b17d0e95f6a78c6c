"""HDF5 files, one dataset each: ``FILE::/group/dataset``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.io.attributes import attribute_sizes, axistags_letters
from napari_graft.io.axis_names import letters_of, odd_axis
from napari_graft.io.foreign import foreign_errors
from napari_graft.io.layout import RawImage
from napari_graft.io.location import DATASET_MARK, split_location
from napari_graft.io.readers.hdf5_bounded import bounded
from napari_graft.io.readers.hdf5_links import DeadLink, is_image, list_images, node_at
from napari_graft.io.readers.hdf5_viewer import (
    AXES,
    UnsignedArray,
    View,
    choose_view,
    size_of_view,
    view_of,
)
from napari_graft.io.readers.registry import READERS, Reader

if TYPE_CHECKING:
    import h5py

N_LISTED = 20
_NUMBERS = "iufb"


def read_hdf5(path: str) -> RawImage:
    """Open one dataset; its name may be left out where the file holds a single one.

    Raises
    ------
    InputError
        If the file is no HDF5 file or has no such dataset, which lists those that it has, or where a link to
        the dataset or to its parts is dead.
    """
    import h5py

    location, name = split_location(path)
    with foreign_errors(
        f"{location} cannot be read as HDF5", "it is damaged or of another kind, make a new copy"
    ):
        file = h5py.File(location, "r")
        dataset, note = _choose(file, location, name.strip("/"))
        _refuse_missing_parts(dataset, location)
        view = view_of(dataset.name or "")
        if view is not None and f"s{view.setup:02}" in file:
            return _read_view(dataset, view, location).with_note(note)
        attributes = dict(dataset.attrs)
        labels = [axis.label for axis in dataset.dims]
        letters = axistags_letters(attributes) or letters_of(labels)
        # ilastik's own results are probabilities, one channel a class
        has_colours = False if "axistags" in attributes and dataset.dtype.kind == "f" else None
        sizes = attribute_sizes(attributes)
        # the dataset keeps the file open for as long as someone holds it
        return RawImage(
            bounded(dataset),
            letters,
            sizes,
            has_colours=has_colours,
            doubt=odd_axis(labels, dataset.shape),
        )


def _read_view(dataset: h5py.Dataset, view: View, location: str) -> RawImage:
    data = bounded(dataset)
    is_signed = dataset.dtype.kind == "i" and dataset.dtype.itemsize == np.dtype(np.uint16).itemsize
    size = size_of_view(dataset.file, view, location)
    return RawImage(
        UnsignedArray(data) if is_signed else data, AXES if dataset.ndim == len(AXES) else None, (size,)
    )


def _choose(file: h5py.File, location: str, name: str) -> tuple[h5py.Dataset, str]:
    """Return the dataset that is meant, and a note where others could be meant."""
    import h5py

    node = node_at(file, name) if name else None
    if isinstance(node, DeadLink):
        raise InputError(f"{location}: {node}: put it where it was, or choose another dataset")
    if isinstance(node, h5py.Dataset) and is_image(node):
        return node, ""
    found, dead = list_images(file)
    usable = {item.id: item for item in found.values() if item.dtype.kind in _NUMBERS}
    for few in (usable, found):  # a single one that is no image says itself why it is none
        if not name and len(few) == 1:
            return next(iter(few.values())), ""
    view = None if name else choose_view(found, location)
    if view is not None:
        return found[view[0]], view[1]
    lost = f" ({dead[0]})" if dead else ""
    if not found:
        raise InputError(f"{location} holds no dataset of two or more axes{lost}: give another file")
    listed = ", ".join(f"/{key} {item.shape}" for key, item in list(found.items())[:N_LISTED])
    problem = f"has no dataset /{name}" if name else f"holds {len(found)} datasets"
    raise InputError(f"{location} {problem}: choose one as {location}{DATASET_MARK}/NAME from {listed}{lost}")


def _refuse_missing_parts(dataset: h5py.Dataset, location: str) -> None:
    """Refuse a dataset that is put together from files which are not there: it would read as zeros."""
    names = [source.file_name for source in dataset.virtual_sources()] if dataset.is_virtual else []
    names += [entry[0] for entry in dataset.external or ()]
    folders = (Path(location).resolve().parent, Path.cwd())
    parts = sorted({str(name) for name in names} - {".", ""})
    missing = [
        part for part in parts if "%" not in part and not any((one / part).is_file() for one in folders)
    ]
    if missing:
        raise InputError(
            f"{location} takes the pixels of {dataset.name} from other files, of which {missing[0]} "
            "is missing: put it where it was"
        )


READERS.register("HDF5")(Reader((".h5", ".hdf5", ".hdf", ".he5"), read_hdf5, has_datasets=True))
