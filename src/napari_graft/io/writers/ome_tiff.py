"""Write an image of any size as OME-TIFF, one row of tiles at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io.axis_names import SingleAxes, insert_letters, insert_ones
from napari_graft.io.writers.file_kinds import program_name

TILE_WIDTH = 256
TILE_STEP = 16
CLASSIC_TIFF_BYTES = 2**32 - 2**26
"""Above this a TIFF needs 64-bit offsets; the rest to 4 GB is for the headers."""
NANOMETRES_PER_CENTIMETRE = 1e7


@dataclass(frozen=True, slots=True)
class PlaceInFile:
    """How the pixels of an image relate to those of the image that it was made of.

    Parameters
    ----------
    origin
        Its first pixel in the larger image that it is a part of; it becomes the position of the planes.
    single_axes
        Axes of one pixel that the file has besides.
    """

    origin: Sequence[int] | None = None
    single_axes: SingleAxes = ()


def write_ome_tiff(
    path: Path,
    read: Callable[[Tile], NDArray[np.generic]],
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    axes: Axes,
    place: PlaceInFile = PlaceInFile(),
) -> None:
    """Write a compressed and tiled OME-TIFF (BigTIFF above 4 GB) from an image that `read` gives box by box.

    The pixel size is stored in the OME-XML and in the resolution tags, and our name beside it.

    With axes of one pixel it is a TIFF with its shape, axes and pixel size as JSON, as tifffile writes them:
    whoever reads an OME-TIFF leaves such axes out.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    import tifffile

    tile_shape = tuple(min(TILE_WIDTH, -(-n // TILE_STEP) * TILE_STEP) for n in shape[-2:])
    letters = insert_letters(axes.names, place.single_axes)
    metadata: dict[str, object] = {"axes": "".join(letters).upper(), "Creator": program_name()}
    per_centimetre = None
    sizes = axes.pixel_size_in("nm")
    if sizes is not None:
        for name, size in zip(axes.names, sizes, strict=True):
            metadata |= {f"PhysicalSize{name.upper()}": size, f"PhysicalSize{name.upper()}Unit": "nm"}
        per_centimetre = (NANOMETRES_PER_CENTIMETRE / sizes[-1], NANOMETRES_PER_CENTIMETRE / sizes[-2])
    is_ome = not place.single_axes
    if is_ome and place.origin is not None and any(place.origin):
        metadata["Plane"] = _positions(shape, axes, place.origin)
    is_big = prod(shape) * dtype.itemsize > CLASSIC_TIFF_BYTES
    with tifffile.TiffWriter(path, bigtiff=is_big, ome=is_ome) as tif:
        tif.write(
            _tiles(read, shape, tile_shape),
            shape=insert_ones(shape, place.single_axes),
            dtype=dtype,
            tile=tile_shape,
            compression="zlib",
            photometric="minisblack",
            metadata=metadata,
            software=program_name(),
            resolution=per_centimetre,
            resolutionunit="CENTIMETER" if sizes else None,
        )


def _positions(shape: tuple[int, ...], axes: Axes, origin: Sequence[int]) -> dict[str, list[object]]:
    """Return the place of the first pixel of each plane in OME's words, in pixels where no size is known."""
    n_planes = prod(shape[:-2])
    sizes = axes.pixel_size_in("nm")
    unit = "pixel" if sizes is None else "nm"
    starts = np.multiply(origin, sizes or (1.0,) * axes.ndim)
    found: dict[str, list[object]] = {}
    for i, name in enumerate(axes.names):
        step = (sizes[i] if sizes else 1.0) if name == "z" else 0.0
        found[f"Position{name.upper()}"] = [float(starts[i] + step * plane) for plane in range(n_planes)]
        found[f"Position{name.upper()}Unit"] = [unit] * n_planes
    return found


def _tiles(
    read: Callable[[Tile], NDArray[np.generic]], shape: tuple[int, ...], tile_shape: tuple[int, ...]
) -> Iterator[NDArray[np.generic]]:
    """Yield the TIFF tiles page after page and row after row, padded with 0 to the full size."""
    row_shape = (*(1,) * (len(shape) - 2), tile_shape[0], shape[-1])
    for row in TileGrid(shape, row_shape):
        pixels = read(row).reshape(row.shape[-2:])
        for start in range(0, shape[-1], tile_shape[1]):
            part = pixels[:, start : start + tile_shape[1]]
            full = np.zeros(tile_shape, pixels.dtype)
            full[: part.shape[0], : part.shape[1]] = part
            yield full
