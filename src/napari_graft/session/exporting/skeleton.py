"""Centre lines of 3-D objects as SWC, which programs for neurons read (Cannon et al. 1998)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.session.exporting.objects import shape_kind, write_shapes
from napari_graft.session.exporting.task import ExportFormat, ExportTask

_UNDEFINED = 0
"""Type of a node of which nothing is known, as the format has it."""


def write_skeletons(task: ExportTask, out: Path) -> int:
    """Write the centre line of each object below a comment with its id, in the unit of the pixel size.

    Raises
    ------
    InputError
        If the objects are in a 2-D image.
    """
    axes = task.labels.axes
    if axes.ndim == 2:
        raise InputError(
            f"{task.labels.name} is a 2-D image, and SWC is of 3-D objects: export their outlines with "
            "--to coco, or give a stack"
        )

    def lines(one: int, box: Tile, pixels: NDArray[np.bool_], n_before: int) -> tuple[str, int]:
        nodes, parents = skeleton(pixels, box, axes)
        written = [f"# object {one}\n"]
        for number, (node, parent) in enumerate(zip(nodes, parents.tolist(), strict=True), n_before + 1):
            above = -1 if parent < 0 else parent + n_before + 1
            place = " ".join(f"{value:.9g}" for value in node)
            written.append(f"{number} {_UNDEFINED} {place} {above}\n")
        return "".join(written), len(nodes)

    head = "# columns: id type x y z radius parent\n"
    return write_shapes(task, out, lines, message="drawing the centre lines", head=head)


def skeleton(
    pixels: NDArray[np.bool_], box: Tile, axes: Axes
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the centre line of an object as a tree for each of its pieces; of a loop one link is left out.

    The line is that of Lee et al. (1994), CVGIP 56:462, along its shortest links.

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
    nodes
        (N, 4) x, y, z from the centre of the first pixel of the whole image, and the distance to the outline.
    parents
        (N,) index of the node before each, always a smaller one; -1 where a line begins.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.morphology import skeletonize

    size = np.array(axes.pixel_size or (1.0,) * axes.ndim)
    padded = np.pad(pixels, 1)
    at = np.argwhere(skeletonize(padded))
    radius = distance_transform_edt(padded, sampling=size)[tuple(at.T)]
    order, parents = _as_tree(at * size, at)
    places = (at - 1 + box.start) * size
    return np.column_stack([places[:, ::-1], radius])[order], parents


def _as_tree(
    places: NDArray[np.float64], at: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pixels in an order in which each follows the one it hangs on, and the place of that one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree
    from scipy.spatial import cKDTree

    pairs = cKDTree(at).query_pairs(1.8, output_type="ndarray")  # 26 neighbours are nearer
    lengths = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)
    links = coo_array((lengths, (pairs[:, 0], pairs[:, 1])), shape=(len(at),) * 2)
    tree = minimum_spanning_tree(links.tocsr())
    both_ways = tree + tree.T
    n_links = np.diff(both_ways.tocsr().indptr)
    order, before = np.zeros(0, np.int64), np.full(len(at), -1, np.int64)
    _, piece_of = connected_components(tree, directed=False)
    for piece in np.unique(piece_of):
        members = np.flatnonzero(piece_of == piece)
        end = members[np.argmin(n_links[members])]  # a line begins at one of its ends
        found, known = breadth_first_order(both_ways, end, directed=False)
        before[found] = known[found]
        before[end] = -1
        order = np.append(order, found)
    place_of = np.empty(len(at), np.int64)
    place_of[order] = np.arange(len(at))
    above = before[order]
    return order, np.where(above < 0, -1, place_of[above])


SWC = ExportFormat(write_skeletons, (".swc",), lambda _: shape_kind("a file of centre lines"))
