"""Recognise an image file without reading all of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from napari_graft.io.regular import refuse_irregular

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

    model_config = ConfigDict(frozen=True, extra="forbid")

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
