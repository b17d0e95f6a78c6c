"""What a project knows about its image."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from napari_graft.core.axes import Axes
from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io.channels import Channel
from napari_graft.io.documents import DamageLog, Document, read_document, write_document
from napari_graft.project.image_file import ImageSignature
from napari_graft.sources.card import Structure

MANIFEST, BACKUP = "project.json", "project.backup.json"
MAX_DIAMETER = 65536
"""Pixels that an object may be wide."""


class ProjectManifest(Document):
    """Manifest of a project.

    Parameters
    ----------
    name
        Name of the project, by default that of its folder.
    image
        Path of the image, relative to the project's folder where the image lies near it, so that both can be
        moved together; ``::/dataset`` follows the name of an HDF5 file.
    signature
        What the image's file looked like when the project was made.
    shape
        Number of pixels along each spatial axis.
    axes
        Names of the spatial axes in one word, ``"yx"`` or ``"zyx"``.
    declared_axes
        Names of all axes of the file as the user gave them, None where the file itself says them.
    channel
        Index or name of the one channel to use; None, or "rgb", where all are, which are colours.
    pixel_size, unit
        Length of a pixel along each spatial axis, None where unknown.
    pixel_size_from, pixel_size_doubt
        Where the pixel size is from, and what is odd about it or, where it is unknown, why what the file says
        is not believed; empty where nobody said.
    structure
        What is to be segmented, None where the user did not say.
    inverted
        Whether dark and bright are swapped before the image is shown to a network.
    intensity_range
        The grey values that become 0 and 1, None until they are measured.
    object_diameter
        Diameter of the wanted objects in pixels, within a plane, as the user said; None where he did not.
    created
        When the project was made.
    versions
        Versions of the program and libraries that made it, by name.
    """

    name: str
    image: str
    signature: ImageSignature
    shape: tuple[int, ...]
    axes: str
    declared_axes: str | None = None
    channel: Channel | None = None
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    pixel_size_from: str = ""
    pixel_size_doubt: str = ""
    structure: Structure | None = None
    inverted: bool = False
    intensity_range: tuple[float, float] | None = None
    object_diameter: Annotated[float, Field(ge=2, le=MAX_DIAMETER, allow_inf_nan=False)] | None = None
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))
    versions: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> ProjectManifest:
        if not self.image or "\0" in self.image:
            raise ValueError(f"no image is called {self.image!r}")
        if len(self.shape) != self.spatial_axes.ndim or min(self.shape) < 1:
            raise ValueError(f"shape {self.shape} does not fit the axes {self.axes!r}")
        low, high = self.intensity_range or (0, 1)
        if not -inf < low < high < inf:
            raise ValueError(f"intensity range {self.intensity_range} must rise")
        return self

    @property
    def spatial_axes(self) -> Axes:
        """Names and physical size of the spatial axes."""
        return Axes(tuple(self.axes), self.pixel_size, self.unit)


def store_manifest(folder: Path, manifest: ProjectManifest) -> None:
    """Write a project's manifest, and a copy for when it is damaged: without one there is no project.

    Raises
    ------
    StorageError
        If the disk is full; the old manifest stays.
    """
    write_document(folder / MANIFEST, manifest)
    write_document(folder / BACKUP, manifest)


def load_manifest(folder: Path, damage: DamageLog) -> ProjectManifest:
    """Read a project's manifest, or its copy where it is damaged.

    Raises
    ------
    InputError
        If both are damaged, or it is of a newer format.
    """
    path = folder / MANIFEST
    try:
        if not os.path.lexists(path):  # killed when the damaged one had been set aside
            raise DamagedFileError(f"project {str(path)!r} is missing")
        return read_document(ProjectManifest, path, "project")
    except DamagedFileError as error:
        try:
            manifest = read_document(ProjectManifest, folder / BACKUP, "project")
        except InputError:
            raise error from None
        damage.set_aside(DamagedFileError(f"{error}; {BACKUP!r} is used in its place"), path)
        return manifest
