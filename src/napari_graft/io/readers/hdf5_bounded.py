"""Read datasets of HDF5 files whose chunks are what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike

from napari_graft.io.readers.unpacking import largest_unpacked, unpack_within
from napari_graft.io.volume import LazyArray

if TYPE_CHECKING:
    import h5py

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
