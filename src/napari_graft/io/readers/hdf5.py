"""HDF5 files, one dataset each: ``FILE::/group/dataset``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard, cast

import numpy as np
from numpy.typing import ArrayLike

from napari_graft.core.errors import InputError
from napari_graft.io.axis_names import letters_of, odd_axis
from napari_graft.io.layout import RawImage
from napari_graft.io.pixel_sizes.attributes import attribute_sizes, axistags_letters
from napari_graft.io.readers.big_data_viewer import (
    AXES,
    UnsignedArray,
    View,
    choose_view,
    size_of_view,
    view_of,
)
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.readers.unpacking import largest_unpacked, unpack_within
from napari_graft.io.regular_files import DATASET_MARK, split_location
from napari_graft.io.untrusted import foreign_errors
from napari_graft.io.volume import LazyArray

if TYPE_CHECKING:
    import h5py


MIN_NDIM = 2
_MOST = 10_000
"""Names that are looked at: a file of more is a store of something else."""


@dataclass(frozen=True, slots=True)
class DeadLink:
    """A link that leads nowhere.

    Parameters
    ----------
    name
        Path of the link in the file.
    target
        The place that it leads to.
    file
        The other file that it leads to, None where the place is in the same file.
    """

    name: str
    target: str
    file: str | None = None

    def __str__(self) -> str:
        if self.file is None:
            return f"/{self.name} is a link to {self.target}, which leads nowhere"
        return (
            f"/{self.name} is a link to {self.target} of the file {self.file}, which is missing or lacks it"
        )


def is_image(node: object) -> TypeGuard[h5py.Dataset]:
    """Say whether what a name stands for has pixels: a dataset of two or more axes."""
    import h5py

    return isinstance(node, h5py.Dataset) and node.shape is not None and node.ndim >= MIN_NDIM


def list_images(file: h5py.File) -> tuple[dict[str, h5py.Dataset], list[DeadLink]]:
    """Return the datasets of two or more axes by path, without slash at the start, and the dead links."""
    images, dead = {}, []
    for name, node in _walk(file):
        if isinstance(node, DeadLink):
            dead.append(node)
        elif is_image(node):
            images[name] = node
    return images, dead


def node_at(file: h5py.File, name: str) -> object:
    """Return what a path leads to: a group, a dataset, a `DeadLink` on the way, None where nothing is."""
    import h5py

    node: object = file
    parts = [part for part in name.split("/") if part]
    for i, part in enumerate(parts):
        if not isinstance(node, h5py.Group) or node.get(part, getlink=True) is None:
            return None
        node = _follow(node, part, "/".join(parts[: i + 1]))
        if isinstance(node, DeadLink):
            return node
    return node


def _walk(file: h5py.File) -> Iterator[tuple[str, object]]:
    """Yield what all paths lead to, but groups; a group is entered once, by whatever links it is reached."""
    import h5py

    seen, groups, n = {_identity(file)}, [("", file)], 0
    while groups:
        prefix, group = groups.pop(0)
        for key in group:
            n += 1
            if n > _MOST:
                return
            name = f"{prefix}{key}"
            node = _follow(group, key, name)
            if not isinstance(node, h5py.Group):
                yield name, node
            elif _identity(node) not in seen:
                seen.add(_identity(node))
                groups.append((f"{name}/", node))


def _identity(group: h5py.Group) -> tuple[str, int]:
    import h5py

    return str(group.file.filename), int(h5py.h5o.get_info(group.id).addr)


def _follow(group: h5py.Group, key: str, name: str) -> object:
    """Return what is behind a name, a `DeadLink` where that is nothing."""
    import h5py

    link = group.get(key, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        dead = DeadLink(name, link.path, link.filename)
        if not (Path(group.file.filename).parent / link.filename).is_file():  # a pipe would be waited for
            return dead
    elif isinstance(link, h5py.SoftLink):
        dead = DeadLink(name, link.path)
    else:
        return group[key]
    try:
        return group[key]
    except (KeyError, OSError, RuntimeError):
        return dead


_DEFLATE = 1
_HARMLESS = 1 << 14
"""Deflated bytes that become 17 MB at most, at its best ratio of 1032: not worth a look."""


def bounded(dataset: h5py.Dataset) -> LazyArray:
    """Return a dataset that refuses to unpack a chunk to much more than its pixels need."""
    if dataset.chunks is None:
        return cast(LazyArray, dataset)
    return BoundedDataset(dataset)


@dataclass(frozen=True, slots=True, eq=False)
class BoundedDataset:
    """A dataset in compressed chunks, each of which is looked at before HDF5 unpacks it for the first time.

    HDF5 unpacks a chunk to whatever its bytes become, and takes from that what it needs.
    """

    dataset: h5py.Dataset
    _known: set[tuple[int, ...]] = field(default_factory=set)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis."""
        return tuple(self.dataset.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.dataset.shape)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of an element."""
        stored: np.dtype[np.generic] = self.dataset.dtype
        return stored

    @property
    def chunks(self) -> tuple[int, ...]:
        """Number of elements of a chunk along each axis."""
        return tuple(self.dataset.chunks)

    def __getitem__(self, key: tuple[slice | int, ...], /) -> ArrayLike:
        """Read a box.

        Raises
        ------
        ValueError
            If a chunk of it would be unpacked to much more than its pixels need.
        """
        for offset in self._offsets(key):
            if offset not in self._known:
                self._refuse_bomb(offset)
                self._known.add(offset)
        return cast(ArrayLike, self.dataset[key])

    def _offsets(self, key: tuple[slice | int, ...]) -> Iterator[tuple[int, ...]]:
        """Yield where the chunks that a box touches begin."""
        ranges = []
        for part, n, chunk in zip(key, self.shape, self.chunks, strict=True):
            whole = part if isinstance(part, slice) else slice(part, part + 1)
            start, stop, _ = whole.indices(n)
            ranges.append(range(start // chunk * chunk, stop, chunk))
        return product(*ranges)

    def _refuse_bomb(self, offset: tuple[int, ...]) -> None:
        try:
            skipped, data = self.dataset.id.read_direct_chunk(offset)
        except (RuntimeError, OSError):
            return  # a chunk that was never written; or what is wrong is said when it is read
        filters = self._filters()
        n_deflates = filters.count(_DEFLATE)
        if n_deflates == 0 or (n_deflates == 1 and len(data) <= _HARMLESS):
            return
        limit = largest_unpacked(prod(self.chunks) * self.dtype.itemsize)
        for number in reversed(range(len(filters))):
            if filters[number] == _DEFLATE and not skipped >> number & 1:
                data = unpack_within(limit, {"id": "zlib"}, data) or b""

    def _filters(self) -> list[int]:
        """Return the numbers of the filters in the order in which they were applied."""
        made = self.dataset.id.get_create_plist()
        return [int(made.get_filter(number)[0]) for number in range(made.get_nfilters())]


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
