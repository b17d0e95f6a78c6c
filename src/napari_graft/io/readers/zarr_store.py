"""Read the files of a zarr folder, and nothing that only looks like a file."""

from __future__ import annotations

from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore


class RegularStore(LocalStore):
    """Refuse pipes and devices in place of chunks: to read one may never end."""

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
