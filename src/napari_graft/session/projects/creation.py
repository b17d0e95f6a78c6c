"""Make a project: of an image file, of an image in memory, of numbered files as one stack."""

from __future__ import annotations

import glob
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError, StorageError, UnclearImageError
from napari_graft.core.pairing import FileSeries, natural_key, pair_files
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.io import LazyArray, Volume, atomic, open_labels, open_volume
from napari_graft.io.axis_names import N_COLOURS
from napari_graft.io.channels import RGB, Channel
from napari_graft.io.volume import refuse_unusable
from napari_graft.io.writers.file_kinds import program_name
from napari_graft.io.writers.image_copy import copy_image
from napari_graft.project.image_file import ImageChoice
from napari_graft.project.opening import create_project, open_project, refuse_existing
from napari_graft.project.project import Project
from napari_graft.session.projects.object_diameter import known_diameter
from napari_graft.session.projects.project_image import (
    correct_object_diameter,
    measure_intensity,
    refuse_diameter,
)
from napari_graft.session.projects.work_spent import work_spent
from napari_graft.sources.card import Structure


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """Options of an image, what its file does not say; see `ImageChoice`."""

    image: str
    axes: str | None = None
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    channel: Channel | None = None
    structure: Structure | None = None
    is_inverted: bool = False
    pixel_size_from: str = ""
    object_diameter: float | None = None

    @property
    def choice(self) -> ImageChoice:
        """The image, to be opened."""
        size = (self.pixel_size, self.unit)
        return ImageChoice(self.image, self.axes, *size, self.channel, self.pixel_size_from)


def make_project(folder: Path, options: ImageOptions) -> Project:
    """Check an image, measure its grey range, and make a project for it, open for writing.

    Raises
    ------
    InputError
        If the image cannot be used, or the folder holds something.
    StorageError
        If the disk is full.
    """
    # Before the folder is made: an image that cannot be used leaves nothing behind.
    intensity = measure_intensity(options.choice.open())
    refuse_diameter(options.object_diameter)
    project = create_project(
        folder,
        options.choice,
        structure=options.structure,
        intensity_range=(intensity.low, intensity.high),
        inverted=options.is_inverted,
    )
    correct_object_diameter(project, options.object_diameter)
    return project


FOUND = "found"
"""State of an image whose file is, as far as its signature tells, the one that the project was made with."""


def describe_project(folder: Path) -> dict[str, Any]:
    """Return what ``info --json`` prints."""
    with open_project(folder) as project:
        manifest, n_tiles = project.manifest, len(project.annotations.tiles())
        diameter = known_diameter(project)
        project.journal.check(is_expected=n_tiles > 0)
        return {
            "image": project.image.path,
            "image_state": _image_state(project),
            "shape": list(manifest.shape),
            "axes": manifest.axes,
            "pixel_size": None if manifest.pixel_size is None else list(manifest.pixel_size),
            "unit": manifest.unit,
            "pixel_size_from": manifest.pixel_size_from or None,
            "pixel_size_doubt": manifest.pixel_size_doubt or None,
            "structure": manifest.structure,
            "inverted": manifest.inverted,
            "object_diameter": diameter.pixels,
            "object_diameter_from": None if diameter.origin == "unknown" else diameter.origin,
            "n_annotated_tiles": n_tiles,
            "n_suggested_tiles": len(project.suggestions().suggestions),
            "runs": [
                _describe_run(run.record.model_dump(mode="json"))
                for run in project.runs.all()
                if not run.is_empty
            ],
            "prepared": [
                _describe_run(run.record.model_dump(mode="json"))
                for run in project.runs.prepared()
                if not run.is_empty
            ],
            "budget": asdict(project.cost()),
            "work": work_spent(project).model_dump(mode="json"),
        }


def _image_state(project: Project) -> str:
    """Return whether the file of the image is the one that the project was made with, without reading it."""
    if not project.is_image_changed:
        return FOUND
    return "missing or not readable" if project.image_signature() is None else "changed"


_SHOWN_OF_RUN = (
    "id",
    "source",
    "parent",
    "n_tiles",
    "steps",
    "seconds",
    "device",
    "stopped_by",
    "kept",
    "validation",
)


def _describe_run(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in _SHOWN_OF_RUN}


COPY = "image.ome.zarr"
_NAME = "the image"
_TRIES, _PAUSE = 20, 0.05
"""Of removing a copy that could not be finished, and the seconds between them."""


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
        _discard(staging)


def _discard(folder: Path) -> None:
    """Remove a folder; threads that were writing to it when the disk filled up may still add a file."""
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE)


def _remove_unfinished_copy(staging: Path) -> None:
    """Remove what was left by an attempt that was killed, and nothing else."""
    if not os.path.lexists(staging):
        return
    is_ours = not staging.is_symlink() and staging.is_dir()
    if not is_ours or any(not path.name.startswith(COPY) for path in staging.iterdir()):
        raise InputError(f"{str(staging)!r} is in the way of a new project: move it elsewhere")
    shutil.rmtree(staging)


def is_series(path: str) -> bool:
    """Say whether a path is a pattern that stands for several files."""
    return any(mark in path for mark in "*?[") and not Path(path).exists()


def stack_series(image: str, labels: str, folder: Path) -> tuple[str, str]:
    """Return the paths of an image and its labels; where they are patterns, of stacks written to `folder`.

    Raises
    ------
    InputError
        If no file matches, a file has no partner, or the images differ in shape or type.
    StorageError
        If a stack cannot be written.
    """
    for pattern in (image, labels):
        if is_series(pattern) and not find_series(pattern).names:
            raise InputError(f"no file matches {pattern!r}: check the pattern")
    if is_series(image) != is_series(labels):
        raise InputError(
            f"{image!r} and {labels!r}: one is a pattern and the other a file; give two files or two patterns"
        )
    if not is_series(image):
        return image, labels
    pairs = pair_files(find_series(image), find_series(labels))
    return (
        write_stack(image, folder / "image.tif", [name for name, _ in pairs]),
        write_stack(labels, folder / "labels.tif", [name for _, name in pairs], has_labels=True),
    )


def find_series(pattern: str) -> FileSeries:
    """Return the files that a pattern names, in the order of the numbers in their names."""
    return FileSeries(pattern, tuple(sorted(glob.glob(pattern, recursive=True), key=natural_key)))


def write_stack(
    pattern: str, out: Path, names: Sequence[str] | None = None, *, has_labels: bool = False
) -> str:
    """Write the files that a pattern names as one TIFF stack; return its path.

    Parameters
    ----------
    names
        The files in their order, where it is not that of the numbers in their names.
    has_labels
        Whether they are label images.

    Raises
    ------
    InputError
        If no file matches, or the images differ in shape or type.
    StorageError
        If the stack cannot be written.
    """
    chosen = find_series(pattern).names if names is None else names
    try:
        volumes = [open_labels(name, mask="object") if has_labels else open_volume(name) for name in chosen]
    except UnclearImageError as error:  # the options are about the stack
        raise InputError(f"{error.problem}: save it as OME-TIFF, whose axes are named") from None
    if not volumes:
        raise InputError(f"no file matches {pattern!r}: check the pattern")
    kinds = {(volume.shape, "" if has_labels else str(volume.dtype)) for volume in volumes}
    if len(kinds) > 1:
        found = ", ".join(f"{shape} {dtype}" for shape, dtype in sorted(kinds))
        raise InputError(
            f"the images that match {pattern!r} differ: {found}; a stack needs one shape and type"
        )
    stack = np.stack([v.read_raw(Tile((0,) * len(v.shape), v.shape)) for v in volumes])
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        axes = "ZYXS" if stack.ndim == 4 else "ZYX"
        tifffile.imwrite(
            out,
            stack,
            compression="zlib",
            metadata={"axes": axes},
            photometric=_photometric(axes),
            software=program_name(),
        )
    except OSError as error:
        raise StorageError(f"the stack cannot be written to {out}: {error.strerror or error}") from None
    return str(out)


def _photometric(axes: str) -> str:
    return "rgb" if axes.endswith("S") else "minisblack"
