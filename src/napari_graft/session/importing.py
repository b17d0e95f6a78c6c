"""Make a project of an image that is only in memory, or computed when it is looked at."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io import LazyArray, Volume, atomic
from napari_graft.io.axis_names import N_COLOURS
from napari_graft.io.channels import RGB
from napari_graft.io.image_copy import copy_image
from napari_graft.io.pixel_types import refuse_unusable
from napari_graft.project.image_choice import ImageChoice
from napari_graft.project.opening import create_project, refuse_existing
from napari_graft.project.project import Project
from napari_graft.session.image_facts import correct_object_diameter, refuse_diameter
from napari_graft.session.views import measure_intensity
from napari_graft.sources.card import Structure

COPY = "image.ome.zarr"
_NAME = "the image"


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """What an array does not say.

    Parameters
    ----------
    has_channels
        Whether its last axis holds red, green, blue (and alpha).
    structure, is_inverted, object_diameter
        As in `ImageOptions`.
    pixel_size_from
        Where the pixel size is from, in words; empty where the copy is to be named.
    """

    has_channels: bool = False
    structure: Structure | None = None
    is_inverted: bool = False
    pixel_size_from: str = ""
    object_diameter: float | None = None


def import_image(
    data: LazyArray, axes: Axes, *, has_channels: bool, folder: Path, report: Report, cancel: CancelToken
) -> Path:
    """Write an array as ``image.ome.zarr`` into a folder, block by block, and return its path.

    Parameters
    ----------
    data
        A numpy, dask, zarr or HDF5 array: the axes of `axes`, and behind them perhaps the channels.
    axes
        Names of the spatial axes, and the pixel size in a unit of length where it is known.

    Raises
    ------
    InputError
        If it is no image of integers or real numbers, has other axes, or cannot be read.
    StorageError
        If the disk is full.
    Cancelled
        When asked to stop; then, as after an error, nothing of the copy is left.
    """
    refuse_unusable(tuple(data.shape), data.dtype, _NAME)
    volume = Volume(data, axes, axes.ndim if has_channels else None, _NAME)
    if has_channels and data.shape[-1] not in N_COLOURS:
        raise InputError(
            f"{_NAME} has {data.shape[-1]} channels, and only grey and RGB images are understood: "
            "choose one channel"
        )
    with atomic.storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    copy_image(volume, folder / COPY, report=report, cancel=cancel)
    return folder / COPY


def make_project_with_copy(
    folder: Path, data: LazyArray, axes: Axes, options: CopyOptions, *, report: Report, cancel: CancelToken
) -> Project:
    """Make a project that holds a copy of an array, and open it for writing.

    The folder appears with the whole copy, or not at all; what a killed attempt left beside it is removed by
    the next one.

    Raises
    ------
    InputError
        If the folder holds something, or the array cannot be used as an image.
    StorageError
        If the disk is full.
    Cancelled
        When asked to stop.
    """
    folder = folder.expanduser()
    refuse_existing(folder)
    refuse_diameter(options.object_diameter)
    staging = folder.with_name(f".{folder.name}.copy{atomic.TEMPORARY_SUFFIX}")
    _remove_unfinished_copy(staging)
    try:
        copy = import_image(
            data, axes, has_channels=options.has_channels, folder=staging, report=report, cancel=cancel
        )
        choice = ImageChoice(
            str(copy), channel=RGB if options.has_channels else None, pixel_size_from=options.pixel_size_from
        )
        intensity = measure_intensity(replace(choice.open(), path=_NAME))
        cancel.raise_if_cancelled()
        project = create_project(
            folder,
            choice,
            structure=options.structure,
            intensity_range=(intensity.low, intensity.high),
            inverted=options.is_inverted,
            adopt_image=True,
        )
        correct_object_diameter(project, options.object_diameter)
        return project
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _remove_unfinished_copy(staging: Path) -> None:
    """Remove what was left by an attempt that was killed, and nothing else."""
    if not os.path.lexists(staging):
        return
    is_ours = not staging.is_symlink() and staging.is_dir()
    if not is_ours or any(not path.name.startswith(COPY) for path in staging.iterdir()):
        raise InputError(f"{str(staging)!r} is in the way of a new project: move it elsewhere")
    shutil.rmtree(staging)
