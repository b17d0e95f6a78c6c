"""Tell whether a source has seen an image in its training."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from napari_graft.io.location import split_location
from napari_graft.sources.source import Source

LARGEST_FILE = 2**31
"""Bytes of the largest image file that is read to know it: a ranking must not wait for a disk."""


def trained_on(source: Source, image: str | Path) -> bool:
    """Say whether a source was trained on an image, or on a data set that the image belongs to.

    An image belongs to a data set when the file or a folder on its path bears the name of the set; data sets
    that the card names as related count as well. So does a copy of one of its training images, up to
    `LARGEST_FILE`. A ``::/dataset`` after the file's name is left aside.

    Parameters
    ----------
    source
        The source; only its card is read.
    image
        Path of the image.
    """
    path = _file_of(image)
    record = source.card.training
    if {*record.datasets, *record.related_datasets}.intersection((*path.parts, path.stem)):
        return True
    return bool(record.image_sha256s) and checksum_of(image) in record.image_sha256s


def checksum_of(image: str | Path) -> str | None:
    """Return the SHA-256 of an image file, None for a folder and for a file above `LARGEST_FILE`.

    Parameters
    ----------
    image
        Path of the image; a ``::/dataset`` after the file's name is left aside.
    """
    path = _file_of(image)
    if not path.is_file():
        return None
    state = path.stat()
    return _checksum(path, state.st_size, state.st_mtime_ns) if state.st_size <= LARGEST_FILE else None


def _file_of(image: str | Path) -> Path:
    return Path(split_location(str(image))[0]).expanduser().resolve()


@lru_cache(maxsize=16)  # each source asks for the same image
def _checksum(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
