"""The pixel sizes in the XML that BigDataViewer keeps beside an HDF5 file (https://imagej.net/plugins/bdv)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from napari_graft.io.foreign import words_of
from napari_graft.io.pixel_sizes.stated import StatedSize, as_number, state_size
from napari_graft.io.regular import read_regular

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
