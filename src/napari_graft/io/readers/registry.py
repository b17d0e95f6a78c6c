"""The file formats that can be read, and which one a path belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.registry import Registry
from napari_graft.io.layout import RawImage
from napari_graft.io.regular_files import DATASET_MARK, refuse_missing, split_location


@dataclass(frozen=True, slots=True)
class Reader:
    """Reader of one file format.

    Parameters
    ----------
    suffixes
        Ends of the file names, lower case, with their dot.
    read
        Take the path (with ``::/dataset`` where the user gave one) and return the image, not yet loaded.
    is_folder
        Whether the format is a folder rather than a file.
    has_datasets
        Whether a path may end in ``::/dataset``.
    """

    suffixes: tuple[str, ...]
    read: Callable[[str], RawImage]
    is_folder: bool = False
    has_datasets: bool = False


MICROSCOPE_FORMATS = (
    ".ser",
    ".emi",
    ".czi",
    ".nd2",
    ".lif",
    ".oib",
    ".oif",
    ".oir",
    ".vsi",
    ".ims",
    ".zvi",
)
"""Formats of makers that Fiji opens, some with its Bio-Formats."""

READERS: Registry[Reader] = Registry("image format")


def find_reader(path: str) -> Reader:
    """Return the reader for `path`.

    Raises
    ------
    InputError
        If nothing is there, the file is empty, or no reader knows it.
    """
    name, part = split_location(path)
    location = Path(name)
    refuse_missing(location, f"{location} does not exist: check the path")
    if not location.is_file() and not location.is_dir():
        raise InputError(f"{location} is neither a file nor a folder: give an image")
    if location.is_file() and location.stat().st_size == 0:
        raise InputError(f"{location} is empty (0 bytes): make a new copy of it")
    reader = _reader_of(location)
    if part and not reader.has_datasets:
        raise InputError(
            f"{location} has no datasets to choose from: leave out {DATASET_MARK} and what follows"
        )
    return reader


def _reader_of(location: Path) -> Reader:
    for name in READERS:
        reader = READERS[name]
        has_suffix = reader.is_folder or location.name.lower().endswith(reader.suffixes)
        if reader.is_folder == location.is_dir() and has_suffix:
            return reader
    if not location.is_dir() and location.name.lower().endswith(MICROSCOPE_FORMATS):
        raise InputError(
            f"{location} is in the format of a microscope, which is not read here: "
            "open it in Fiji and save it as TIFF, which keeps the pixel size"
        )
    kind = "folder" if location.is_dir() else "file"
    known = ", ".join(suffix for name in READERS for suffix in READERS[name].suffixes)
    raise InputError(f"{location} is a {kind} of no known image format: convert it to one of {known}")
