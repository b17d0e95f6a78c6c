"""Read the files of a zarr folder, and nothing that only looks like a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zarr
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from napari_graft.io.readers.zarr_bounded import bounded


class RegularStore(LocalStore):
    """Zarr store that refuses pipes and devices in place of chunks: to read one may never end.

    Links are followed. An image of the user's may well be made of them: chunks on several disks, or data that
    git-annex keeps, where each chunk is one. In a project, links are refused before anything is read.
    """

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the content of a file, None where there is none.

        Raises
        ------
        OSError
            If something else than a file is there.
        """
        path = self.root / key
        if path.exists() and not path.is_file() and not path.is_dir():
            raise OSError(f"{key} is no file but a pipe or a device")
        return await super().get(key, prototype, byte_range)


def open_own_array(path: Path) -> zarr.Array[Any]:
    """Open the full resolution of an OME-Zarr image that we wrote, to be read; nothing is read yet."""
    return bounded(zarr.open_array(RegularStore(path / "0", read_only=True), mode="r"))
