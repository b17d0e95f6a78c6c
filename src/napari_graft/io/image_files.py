"""The files that an image is made of, and whether any of them was written since."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from napari_graft.core.checksum import checksum_of
from napari_graft.io.location import split_location

_HDF5 = (".h5", ".hdf5", ".hdf", ".he5")
_TIFF = (".tif", ".tiff")
_NAMED_IN_OME = re.compile(r'FileName="([^"]+)"')


def files_of_image(path: str) -> list[Path]:
    """Return the file or folder of an image, and the other files that it refers to.

    These are the other files of a multi-file OME-TIFF, and those that an HDF5 file links to.

    Parameters
    ----------
    path
        As for `open_volume`.
    """
    first = Path(split_location(path)[0]).expanduser()
    suffix = first.suffix.lower()
    others: Iterator[str] = iter(())
    if first.is_file() and suffix in _TIFF:
        others = iter(_named_in_ome(first))
    elif first.is_file() and suffix in _HDF5:
        others = iter(_linked_in_hdf5(first))
    beside = (first.parent / name for name in others)
    return [first, *dict.fromkeys(one for one in beside if one != first and one.is_file())]


def image_stamp(path: str) -> str:
    """Return a checksum of when the files of an image were last written, by the clock of the file system.

    No pixel is read. Chunks behind links count as well. Copies have another stamp; programs that set back
    the date of a file do not hide that they changed it, except on Windows.
    """
    seen = []
    for one in files_of_image(path):
        for file in sorted(_files_in(one)):
            with suppress(OSError):
                found = os.stat(file)
                seen.append([file, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino])
    return checksum_of(seen)


def _files_in(path: Path) -> Iterator[str]:
    if not path.is_dir():
        yield str(path)
    seen = set()
    for folder, folders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder that it lies in
            folders.clear()
            continue
        seen.add(real)
        yield from (os.path.join(folder, name) for name in names)


def _named_in_ome(path: Path) -> list[str]:
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            return _NAMED_IN_OME.findall(tif.ome_metadata or "")
    except Exception:  # foreign bytes: who opens the image tells what is wrong with it
        return []


def _linked_in_hdf5(path: Path) -> list[str]:
    import h5py

    found: list[str] = []

    def look(name: str, link: object) -> None:
        if isinstance(link, h5py.ExternalLink):
            found.append(link.filename)

    def look_into(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found.extend(source.file_name for source in (item.virtual_sources() if item.is_virtual else ()))
            found.extend(str(name) for name, _, _ in item.external or ())

    try:
        with h5py.File(path, "r") as file:
            file.visititems_links(look)
            file.visititems(look_into)
    except Exception:  # foreign bytes: who opens the image tells what is wrong with it
        return []
    return found
