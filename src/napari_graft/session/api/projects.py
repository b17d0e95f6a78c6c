"""Projects and what is annotated in them, for scripts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.io.labels import MaskMeaning, check_labels
from napari_graft.project.project import Project
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.sources.card import Structure


def new_project(
    folder: str | os.PathLike[str],
    image: str | os.PathLike[str],
    *,
    axes: str | None = None,
    channel: int | None = None,
    pixel_size: Sequence[float] | None = None,
    unit: str = "nm",
    structure: Structure | None = None,
) -> Project:
    """Make a project for an image, as the command ``new``, and open it for writing.

    Parameters
    ----------
    folder
        Where; a name that ends in ``.graft``.
    image
        A file or folder; ``FILE::/dataset`` for a dataset of an HDF5 file.
    axes
        One letter of ``tczyx`` for each axis of the stored array; wins over what the file says.
    channel
        The one channel to use.
    pixel_size
        Length of a pixel along y x, or z y x, in `unit`; wins over what the file says.
    structure
        What to segment: ``neurites``, ``mitochondria``, ``nuclei``, ``cells``, ``axons`` or ``organelles``.

    Raises
    ------
    InputError
        If the image cannot be used, or the folder holds something.
    """
    sizes = None if pixel_size is None else tuple(pixel_size)
    options = ImageOptions(os.fspath(image), axes, sizes, unit, channel, structure)
    return make_project(Path(folder), options)


def annotate(
    project: Project,
    labels: str | os.PathLike[str] | NDArray[np.integer],
    tiles: Sequence[Tile] | None = None,
    *,
    sparse: bool = False,
    axes: str | None = None,
    mask: MaskMeaning | None = None,
) -> list[LabelledTile]:
    """Take the labels of tiles from a label image of the size of the image, as the command ``annotate``.

    Parameters
    ----------
    project
        Open for writing.
    labels
        A file, or an array with the axes of the image: 0 background, 1… objects.
    tiles
        Where; the tiles that were suggested last if they are not given.
    sparse
        Whether the labels are strokes: 0 unlabelled, 1 background, 2… objects.
    axes
        One letter of ``tczyx`` for each axis of a file.
    mask
        What a file of two values is, such as 0 and 255: one ``object``, or ``pieces`` of which each is one.

    Raises
    ------
    InputError
        If the labels do not fit the image, or a tile cannot be accepted.
    """
    if isinstance(labels, np.ndarray):
        name = "the array of labels"
        volume = Volume(check_labels(labels, name), project.volume.axes, None, name)
    else:
        volume = open_labels(labels, axes=axes, mask=mask)
    chosen = [one.tile for one in project.suggestions().suggestions] if tiles is None else tiles
    return annotate_from_labels(project, volume, chosen, is_sparse=sparse)
