"""Objects as label images for other programs: OME-Zarr 0.5, beside their image, and OME-TIFF."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import Progress
from napari_graft.core.tile import Tile
from napari_graft.io import Volume
from napari_graft.io.atomic import storage_errors
from napari_graft.io.ngff import with_levels, write_multiscales
from napari_graft.io.writers.file_kinds import TIFF, marked
from napari_graft.io.writers.image_copy import LARGEST_CHUNK, copy_image
from napari_graft.io.writers.ome_tiff import write_ome_tiff
from napari_graft.io.writers.pyramid import Factors, level_factors, mean_of, most_common, write_levels
from napari_graft.io.writers.staging import create_array
from napari_graft.session.exporting.task import ExportFormat, ExportTask

if TYPE_CHECKING:
    import zarr

OBJECTS = "labels/objects"
"""Where the objects are in an OME-Zarr of an image."""
_MOST_COLOURS = 100_000
"""A file of attributes with more would take seconds to read."""
_GOLDEN = 0.618033988749895


def stored_dtype(labels: Volume) -> np.dtype[np.generic]:
    """Return the type in which labels are written: their own, or uint32 where that is signed or wider."""
    own = np.dtype(labels.dtype).newbyteorder("=")
    return own if own.kind == "u" and own.itemsize <= 4 else np.dtype(np.uint32)


def write_zarr(task: ExportTask, out: Path) -> int:
    """Write the image and its objects as OME-Zarr 0.5, or the objects alone where no image is at hand.

    The objects are in ``labels/objects``, with scale, unit and a colour for each; large ones and their image
    have smaller levels.
    """
    import zarr

    if task.image is None:
        return _write_labels(task, out, None)
    copy_image(task.image, out, report=task.report, cancel=task.cancel)
    with storage_errors(out):
        known = {"ome": {"version": "0.5", "labels": [Path(OBJECTS).name]}}
        zarr.create_group(out / Path(OBJECTS).parent, zarr_format=3, attributes=known)
    n_objects = _write_labels(task, out / OBJECTS, "../../")
    with storage_errors(out):
        image = zarr.open_group(out, mode="r+")
        factors = _write_image_levels(task, image)
        image.attrs.put(marked(with_levels(image.attrs.asdict(), factors)))
    return n_objects


def _write_labels(task: ExportTask, folder: Path, image: str | None) -> int:
    labels = task.labels
    attributes = marked(write_multiscales(labels.axes, folder.stem, is_label=True))
    chunk = tuple(map(min, LARGEST_CHUNK[len(labels.shape)], labels.shape))
    with storage_errors(folder):
        array = create_array(
            folder, labels.axes.names, (labels.shape, chunk), stored_dtype(labels), attributes
        )
    ids: set[int] = set()
    for block in task.blocks("writing the objects"):
        found = labels.read_raw(block)
        ids.update(np.unique(found).tolist())
        with storage_errors(folder):
            array[block.slices] = found.astype(array.dtype, copy=False)
    ids.discard(0)
    with storage_errors(folder):
        factors = _write_levels(task, folder)
        _describe(folder, with_levels(attributes, factors), sorted(ids), image)
    return len(ids)


def _write_levels(task: ExportTask, folder: Path) -> list[Factors]:
    """Write smaller levels of the objects; return how long their pixels are."""
    import zarr

    factors = level_factors(task.labels.shape, task.labels.axes)
    group: zarr.Group = zarr.open_group(folder, mode="r+")
    for n_done, n_blocks in write_levels(group, task.labels.axes.names, factors, most_common):
        task.step(n_done, n_blocks, "writing smaller levels of the objects")
    return factors


def _write_image_levels(task: ExportTask, image: zarr.Group) -> list[Factors]:
    """Write smaller levels of the image: OME-Zarr wants as many of it as of its labels."""
    channels = ("c",) if task.image is not None and task.image.channel_axis is not None else ()
    factors = [(1,) * len(channels) + one for one in level_factors(task.labels.shape, task.labels.axes)]
    names = (*channels, *task.labels.axes.names)
    for n_done, n_blocks in write_levels(image, names, factors, mean_of):
        task.step(n_done, n_blocks, "writing smaller levels of the image")
    return factors


def _describe(folder: Path, attributes: dict[str, Any], ids: list[int], image: str | None) -> None:
    import zarr

    label: dict[str, object] = {} if image is None else {"source": {"image": image}}
    if 0 < len(ids) <= _MOST_COLOURS:
        label["colors"] = list(colours(ids))
    attributes["ome"]["image-label"] = label
    group: zarr.Group = zarr.open_group(folder, mode="r+")
    group.attrs.put(attributes)


def colours(ids: Iterable[int]) -> Iterable[dict[str, object]]:
    """Yield a colour for each object, as OME-Zarr has them; neighbouring numbers differ much."""
    for one in ids:
        colour = colorsys.hsv_to_rgb(one * _GOLDEN % 1, 0.55 + 0.15 * (one % 4), 1 - 0.1 * (one % 3))
        yield {"label-value": one, "rgba": [*(round(255 * part) for part in colour), 255]}


def write_tiff(task: ExportTask, out: Path) -> int:
    """Write the objects as OME-TIFF, slice by slice, with scale and unit."""
    labels, ids = task.labels, set[int]()
    dtype = stored_dtype(labels)
    slices = task.slices("writing the objects")
    shown: dict[int, NDArray[np.generic]] = {}

    def read(row: Tile) -> NDArray[np.generic]:
        z = row.start[0] if row.ndim == 3 else 0
        if z not in shown:
            shown.clear()
            shown[z] = next(slices)
            ids.update(np.unique(shown[z]).tolist())
        rows = shown[z][row.slices[-2:]]
        return rows.astype(dtype, copy=False).reshape(row.shape)

    with storage_errors(out):
        write_ome_tiff(out, read, labels.shape, dtype, labels.axes)
    task.report(Progress(1, 1, "writing the objects"))
    return len(ids - {0})


OME_ZARR = ExportFormat(write_zarr, (".zarr",), None, reads_image=True)
OME_TIFF = ExportFormat(write_tiff, (".tif", ".tiff"), lambda _: TIFF)
