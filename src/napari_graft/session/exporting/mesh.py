"""Surfaces of 3-D objects as Wavefront OBJ, which Blender, MeshLab, ParaView and trimesh read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.session.exporting.objects import shape_kind, write_shapes
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

    def lines(one: int, box: Tile, pixels: NDArray[np.bool_], n_before: int) -> tuple[str, int]:
        corners, triangles = surface(pixels, box, axes)
        places = _rows("v %.9g %.9g %.9g\n", corners)
        faces = _rows("f %d %d %d\n", triangles + n_before + 1)
        return f"o {one}\n{places}{faces}", len(corners)

    return write_shapes(task, out, lines, message="drawing the surfaces")


def _rows(line: str, rows: NDArray[np.generic]) -> str:
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


MESH = ExportFormat(write_mesh, (".obj",), lambda _: shape_kind("a file of surfaces"))
