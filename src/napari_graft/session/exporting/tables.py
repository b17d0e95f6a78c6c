"""Measurements of each object as a table: CSV and Parquet."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io.atomic import storage_errors
from napari_graft.io.writers.file_kinds import MADE_BY, NAME, FileKind, is_text, program_name
from napari_graft.segmentation.measurements import IDENTITY, measure_object
from napari_graft.session.exporting.objects import each_object, find_objects
from napari_graft.session.exporting.task import ExportFormat, ExportTask

Columns = dict[str, NDArray[Any]]
_COLOURS = ("red", "green", "blue")


def measure_objects(task: ExportTask) -> Columns:
    """Return the measurements by column, a value for each object in the order of their ids.

    What they are says `measure_object`; before them stand the id, the number of pixels, whether the object
    touches the border of the image, and how many others it touches.
    """
    task = task.held()
    found = find_objects(task, with_pairs=True)
    n_neighbours, shape = found.n_neighbours, task.labels.shape
    columns: Columns = {name: np.zeros(len(found.boxes), _dtype(name)) for name in _columns_of(task)}
    for i, (one, box, pixels) in enumerate(each_object(task, found, "measuring the objects")):
        is_cut = any(a == 0 or b == n for a, b, n in zip(box.start, box.stop, shape, strict=True))
        identity = zip(IDENTITY, (one, int(pixels.sum()), is_cut, n_neighbours[one]), strict=True)
        for name, value in (dict(identity) | _measure(task, box, pixels)).items():
            columns[name][i] = value
    return columns


def _columns_of(task: ExportTask) -> list[str]:
    """Return the columns of a table: those that any object has, such as the first pixel."""
    box = Tile((0,) * len(task.labels.shape), (1,) * len(task.labels.shape))
    return [*IDENTITY, *_measure(task, box, np.ones(box.shape, np.bool_))]


def _measure(task: ExportTask, box: Tile, pixels: NDArray[np.bool_]) -> dict[str, float]:
    axes, image = task.labels.axes, task.image
    if image is None:
        return measure_object(pixels, box, axes, None, ())
    channels = () if image.channel_axis is None else _COLOURS
    return measure_object(pixels, box, axes, image.read_raw(box), channels)


def _dtype(name: str) -> type:
    if name == "touches_border":
        return np.bool_
    return np.int64 if name in IDENTITY or name.endswith(("_start_px", "_stop_px")) else np.float64


def write_csv(task: ExportTask, out: Path) -> int:
    """Write the measurements as CSV, the names of the columns in the first line."""
    columns = measure_objects(task)
    values = [column.tolist() for column in columns.values()]
    with storage_errors(out), out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*values, strict=True))
    return len(columns["label"])


def write_parquet(task: ExportTask, out: Path) -> int:
    """Write the measurements as Parquet.

    Raises
    ------
    InputError
        If pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(
            "Parquet needs pyarrow: install it with pip install pyarrow (or 'napari-graft[export]'), "
            "or choose --to csv"
        ) from None
    columns = measure_objects(task)
    table = arrow.table(columns).replace_schema_metadata({MADE_BY: program_name()})
    with storage_errors(out):
        parquet.write_table(table, out)
    return len(columns["label"])


def _is_our_csv(path: Path) -> bool:
    """Say whether a table begins with our columns: one that somebody has added to ends otherwise."""
    with path.open("rb") as file:
        names = file.readline(4096).decode("utf-8", "replace").strip().split(",")
    begins = tuple(names[: len(IDENTITY)]) == IDENTITY
    return begins and names[-1].startswith(("box_", "intensity_"))


def _is_our_parquet(path: Path) -> bool:
    try:
        from pyarrow import parquet

        known = parquet.read_schema(path).metadata or {}
    except Exception:  # foreign bytes, or no library to read them with: they are not ours then
        return False
    return bool(known.get(MADE_BY.encode(), b"").startswith(NAME.encode()))


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


CSV = ExportFormat(
    write_csv, (".csv",), lambda _: FileKind("a table", _is_our_csv, is_text), reads_image=True
)
PARQUET = ExportFormat(
    write_parquet,
    (".parquet",),
    lambda _: FileKind("a Parquet table", _is_our_parquet, _is_parquet),
    reads_image=True,
)
