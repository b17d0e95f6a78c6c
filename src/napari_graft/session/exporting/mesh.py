"""Surfaces of 3-D objects as Wavefront OBJ, which Blender, MeshLab, ParaView and trimesh read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io.atomic import storage_errors
from napari_graft.io.writers.file_kinds import NAME, FileKind, head_of, is_text, program_name
from napari_graft.segmentation.measurements import unit_of
from napari_graft.session.exporting.objects import each_object, find_objects
from napari_graft.session.exporting.task import ExportFormat, ExportTask


def write_mesh(task: ExportTask, out: Path) -> int:
    """Write a surface for each object, called by its id, corners as x y z in the unit of the pixel size.

    Raises
    ------
    InputError
        If the objects are in a 2-D image.
    """
    axes = task.labels.axes
    if axes.ndim == 2:
        raise InputError(
            f"{task.labels.name} is a 2-D image, whose objects have no surface: "
            "export their outlines with --to coco, or give a stack"
        )
    task = task.held()
    found, n_before = find_objects(task), 0
    with storage_errors(out), out.open("w", encoding="utf-8") as file:
        file.write(f"# {program_name()}\n# unit: {unit_of(axes)}\n")
        for one, box, pixels in each_object(task, found, "drawing the surfaces"):
            corners, triangles = surface(pixels, box, axes)
            file.write(f"o {one}\n")
            file.write(_lines("v %.9g %.9g %.9g\n", corners))
            file.write(_lines("f %d %d %d\n", triangles + n_before + 1))
            n_before += len(corners)
    return len(found.boxes)


def _lines(line: str, rows: NDArray[np.generic]) -> str:
    """Return a line for each row; numpy's own way takes several times as long."""
    return (line * len(rows)) % tuple(rows.ravel().tolist())


def surface(
    pixels: NDArray[np.bool_], box: Tile, axes: Axes
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the closed surface of an object by marching cubes, half way between its pixels and the others.

    Parameters
    ----------
    pixels
        (z, y, x) bool: which pixels of the box belong to the object.
    box
        Where it is in the whole image.
    axes
        Names and physical size of the axes.

    Returns
    -------
    corners
        (N, 3) x, y, z from the centre of the first pixel of the whole image.
    triangles
        (M, 3) indices of corners, counter-clockwise seen from outside.
    """
    from skimage.measure import marching_cubes

    size = axes.pixel_size or (1.0,) * axes.ndim
    corners, triangles, _, _ = marching_cubes(np.pad(pixels, 1).astype(np.float32), 0.5, spacing=size)
    moved = corners.astype(np.float64) + (np.array(box.start) - 1) * size
    # As z y x they run clockwise; the mirror image x y z has them the other way round.
    return moved[:, ::-1], triangles.astype(np.int64)


def _is_ours(path: Path) -> bool:
    return head_of(path).startswith(f"# {NAME} ".encode()) or head_of(path).startswith(f"# {NAME}\n".encode())


MESH = ExportFormat(write_mesh, (".obj",), lambda _: FileKind("a file of surfaces", _is_ours, is_text))
