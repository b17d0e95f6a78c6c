"""The image file of a project: which one it is, how it is read, and how it is recognised."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from pydantic import BaseModel, ConfigDict

from napari_graft.core.errors import InputError
from napari_graft.io import Volume, open_volume
from napari_graft.io.channels import Channel
from napari_graft.io.regular_files import DATASET_MARK, refuse_irregular, split_location


@dataclass(frozen=True, slots=True)
class ImageChoice:
    """An image file, and what it does not say of itself.

    Parameters
    ----------
    path
        A file or folder, and perhaps a part of it, as for `open_volume`.
    axes, pixel_size, unit, channel
        As for `open_volume`; None where the file says it.
    pixel_size_from
        Where the pixel size is from where that is known better than by who opens the image, in words.
    """

    path: str
    axes: str | None = None
    pixel_size: tuple[float, ...] | None = None
    unit: str = "nm"
    channel: Channel | None = None
    pixel_size_from: str = ""

    @property
    def file(self) -> Path:
        """Path of the file or folder, without the dataset in it."""
        return Path(split_location(self.path)[0]).expanduser()

    def open(self) -> Volume:
        """Open the image lazily.

        Raises
        ------
        InputError
            If it cannot be read as one 2-D or 3-D image.
        """
        part = split_location(self.path)[1]
        volume = open_volume(
            f"{self.file}{DATASET_MARK}{part}" if part else str(self.file),
            axes=self.axes,
            pixel_size=self.pixel_size,
            unit=self.unit,
            channel=self.channel,
        )
        if not self.pixel_size_from or volume.axes.pixel_size is None:
            return volume
        return replace(volume, size_note=replace(volume.size_note, origin=self.pixel_size_from))


def to_stored_path(path: str, folder: Path) -> str:
    """Return how a project in `folder` names an image: relative to that folder where the image is near it.

    Near is anywhere in the folder that holds the project: both then keep together when that folder is moved.
    """
    name, part = split_location(path)
    # The last part stays as it is: where it is a link, the link lies near the project, not its target.
    file = Path(name).expanduser()
    file = file.parent.resolve() / file.name
    if file.is_relative_to(folder.parent.resolve()):
        file = Path(os.path.relpath(file, folder.resolve()))
    return f"{file.as_posix()}{DATASET_MARK}{part}" if part else file.as_posix()


def from_stored_path(stored: str, folder: Path) -> str:
    """Return the absolute path of an image that a project in `folder` names."""
    name, part = split_location(os.path.join(folder.resolve(), stored))
    return f"{os.path.normpath(name)}{DATASET_MARK}{part}" if part else os.path.normpath(name)


def open_known_image(image: ImageChoice, shape: tuple[int, ...], folder: Path) -> Volume:
    """Open the image of the project in `folder`, which had a shape when the project was made.

    Raises
    ------
    InputError
        If its file is missing, or holds an image of another shape.
    """
    if not image.file.exists():
        raise InputError(
            f"the image {image.path!r} of project {str(folder)!r} is missing: put it back, or name where "
            f"it is now with 'napari-graft images relink {quote(str(folder))} --image FILE'"
        )
    volume = image.open()
    if volume.shape != shape:
        raise InputError(
            f"the image {image.path!r} has shape {volume.shape}, it had {shape} when "
            f"project {str(folder)!r} was made: put the right image back, or name where it is now with "
            f"'napari-graft images relink {quote(str(folder))} --image FILE'"
        )
    return volume


N_BLOCKS = 16
BLOCK_BYTES = 65536
_METADATA = ("zarr.json", ".zattrs", ".zgroup", ".zarray")


class ImageSignature(BaseModel):
    """Signature of an image file, which tells it from another.

    It does not depend on where the file lies or when it was copied.

    Parameters
    ----------
    n_bytes
        Size of the file; of a folder, that of its metadata.
    sha256
        Checksum of `N_BLOCKS` blocks spread evenly over the file, which is all of a small one; of a folder,
        that of its metadata.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    n_bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> ImageSignature:
        """Take the signature of a file, or of the folder of a zarr image.

        Raises
        ------
        DamagedFileError
            If it is a pipe or a device.
        OSError
            If it cannot be read.
        """
        data = _metadata_of(path) if path.is_dir() else None
        if data is not None:
            return cls(n_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        refuse_irregular(path, follow_links=True)
        n_bytes = path.stat().st_size
        digest = hashlib.sha256()
        with path.open("rb") as file:
            if n_bytes <= N_BLOCKS * BLOCK_BYTES:
                digest.update(file.read())
            else:
                for i in range(N_BLOCKS):
                    file.seek(i * (n_bytes - BLOCK_BYTES) // (N_BLOCKS - 1))
                    digest.update(file.read(BLOCK_BYTES))
        return cls(n_bytes=n_bytes, sha256=digest.hexdigest())


def _metadata_of(folder: Path) -> bytes:
    return b"\n".join((folder / n).read_bytes() for n in _METADATA if (folder / n).is_file())
