"""HDF5 files of BigDataViewer and BigStitcher: setups, time points and levels of a pyramid.

Their datasets are ``t00000/s00/0/cells``, level 0 the finest; ``s00/resolutions`` tells the factors. Pixel
sizes are in the XML file beside them (https://imagej.net/plugins/bdv).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from napari_graft.io.pixel_sizes.stated import StatedSize, as_number, state_size
from napari_graft.io.regular_files import DATASET_MARK, read_regular
from napari_graft.io.untrusted import words_of
from napari_graft.io.volume import ArrayView, LazyArray

if TYPE_CHECKING:
    import h5py


ORIGIN = "the XML of BigDataViewer beside the file"
_MAX_BYTES = 1 << 26


def viewer_size(hdf5: str, setup: int, factors: Sequence[float]) -> StatedSize:
    """Return the pixel size of one of the setups.

    Parameters
    ----------
    hdf5
        Path of the HDF5 file.
    setup
        Number of the setup.
    factors
        How many pixels of the full resolution one is long along x, y and z.
    """
    path = Path(hdf5).with_suffix(".xml")
    try:
        root = ElementTree.fromstring(read_regular(path, limit=_MAX_BYTES, follow_links=True))
    except FileNotFoundError:
        return StatedSize(ORIGIN)
    except Exception as error:  # the XML of a stranger, which costs the pixel size alone
        return StatedSize(ORIGIN, doubt=f"cannot be read ({words_of(error)})")
    for view in root.iterfind("SequenceDescription/ViewSetups/ViewSetup"):
        if as_number(view.findtext("id")) == setup:
            unit = view.findtext("voxelSize/unit")
            sizes = [as_number(size) for size in (view.findtext("voxelSize/size") or "").split()]
            return state_size(
                ORIGIN,
                {
                    axis: (None if size is None else size * factor, unit)
                    for axis, size, factor in zip("xyz", sizes, factors, strict=False)
                },
            )
    return StatedSize(ORIGIN)


AXES = "zyx"
_CELLS = re.compile(r"t(?P<time>\d{5,})/s(?P<setup>\d{2,})/(?P<level>\d+)/cells")
_N_LISTED = 12


@dataclass(frozen=True, slots=True)
class View:
    """One image: a setup (a channel, angle or tile) at a time point, on a level of the pyramid."""

    setup: int
    time: int
    level: int

    def __str__(self) -> str:
        return f"setup {self.setup}, time {self.time}, level {self.level}"


def view_of(name: str) -> View | None:
    """Return which image a dataset is, None where its path is none of BigDataViewer's.

    >>> view_of("/t00003/s01/0/cells")
    View(setup=1, time=3, level=0)
    """
    found = _CELLS.fullmatch(name.strip("/"))
    return None if found is None else View(int(found["setup"]), int(found["time"]), int(found["level"]))


def choose_view(images: Mapping[str, h5py.Dataset], path: str) -> tuple[str, str] | None:
    """Return the dataset to use and a note: the largest setup, first in time, at its finest level.

    None where a file holds other datasets than those of BigDataViewer.

    Parameters
    ----------
    images
        All datasets of two or more axes, by path.
    path
        The file, for the note.
    """
    views = {name: view for name in images if (view := view_of(name)) is not None}
    others = [
        name for name in images if name not in views and not name.endswith(("resolutions", "subdivisions"))
    ]
    if not views or others:
        return None

    def rank(name: str) -> tuple[int, int, int, int]:
        view = views[name]
        return view.level, view.time, -prod(images[name].shape), view.setup

    chosen, *rest = sorted(views, key=rank)
    listed = ", ".join(f"/{name} ({views[name]}) {images[name].shape}" for name in rest[:_N_LISTED])
    more = ", …" if len(rest) > _N_LISTED else ""
    if not rest:
        return chosen, ""
    return chosen, (
        f"of its {len(views)} images /{chosen} is used ({views[chosen]}); choose another as "
        f"{path}{DATASET_MARK}/NAME from {listed}{more}"
    )


def size_of_view(file: h5py.File, view: View, path: str) -> StatedSize:
    """Return the pixel size of an image, which is in an XML file beside."""
    factors = np.asarray(file.get(f"s{view.setup:02}/resolutions", ()), float)
    is_known = factors.ndim == 2 and view.level < len(factors) and factors.shape[1] == len(AXES)
    if view.level and not is_known:
        return StatedSize("the XML of BigDataViewer beside the file")
    return viewer_size(path, view.setup, [float(n) for n in factors[view.level]] if is_known else (1.0,) * 3)


@dataclass(frozen=True, slots=True, eq=False)
class UnsignedArray(ArrayView):
    """Lazy view of 16-bit numbers as unsigned, which BigDataViewer stores with a sign."""

    source: LazyArray

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of an element."""
        return np.dtype(np.uint16)

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of what is read at once."""
        return getattr(self.source, "chunks", None)

    def __getitem__(self, key: tuple[slice | int, ...], /) -> NDArray[np.generic]:
        """Read a box."""
        return np.asarray(self.source[key]).astype(np.int16, copy=False).view(np.uint16)
