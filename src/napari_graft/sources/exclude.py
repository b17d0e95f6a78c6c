"""Tell whether a source has seen an image in its training."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from napari_graft.sources.source import Source


def trained_on(source: Source, image: str | Path) -> bool:
    """Say whether a source was trained on an image, or on a data set that the image belongs to.

    An image belongs to a data set when the file or a folder on its path bears the name of the set; data sets
    that the card names as related count as well. A ``::/dataset`` after the file's name is left aside.

    Parameters
    ----------
    source
        The source; only its card is read.
    image
        Path of the image.
    """
    path = Path(str(image).partition("::")[0]).expanduser().resolve()
    record = source.card.training
    if {*record.datasets, *record.related_datasets}.intersection((*path.parts, path.stem)):
        return True
    if not record.image_sha256s or not path.is_file():
        return False
    state = path.stat()
    return _checksum(path, state.st_size, state.st_mtime_ns) in record.image_sha256s


@lru_cache(maxsize=16)  # each source asks for the same image
def _checksum(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
