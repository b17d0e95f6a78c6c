"""Unfinished results: folders marked as ours and held by one process, and the zarr array of their pixels."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from napari_graft.core.errors import InputError
from napari_graft.io.atomic import TEMPORARY_SUFFIX, beside, storage_errors, sync_folder
from napari_graft.io.regular_files import find_link

if TYPE_CHECKING:
    import zarr


STAGING_SUFFIX = ".partial"
MARK = ".napari-graft"
"""A file that is in every folder of ours; whoever holds it locked is at work there."""


_PATIENCE = 2.0
"""Seconds to wait for another process: one that was killed keeps its locks until its memory is freed."""


@dataclass(frozen=True, slots=True, eq=False)
class Staging:
    """Folder of an unfinished result, held until it is released or the process ends, however it ends.

    Parameters
    ----------
    folder
        Where what is unfinished lies.
    """

    folder: Path
    _lock: FileLock

    @classmethod
    def claim(cls, target: Path) -> Staging:
        """Take the folder beside a result, ``TARGET.partial``; what an earlier process left in it stays.

        Raises
        ------
        InputError
            If another process is making that result, or the folder holds something that we did not put there,
            such as a link: blocks would be written where that leads.
        StorageError
            If it cannot be made.
        """
        folder = beside(target, STAGING_SUFFIX)
        while True:
            with storage_errors(target):
                _make(folder)
            lock = FileLock(folder / MARK, timeout=_PATIENCE, thread_local=False)
            try:
                lock.acquire()
            except Timeout:
                if (folder / MARK).exists():
                    raise InputError(
                        f"{target} is being written by another process: wait for it, or choose another name"
                    ) from None
            except FileNotFoundError:
                pass  # whoever held it has finished in between
            except OSError as error:
                raise InputError(f"{folder} cannot be written: {error.strerror or error}") from None
            else:
                claimed = cls(folder, lock)
                claimed._refuse_links()
                return claimed

    def _refuse_links(self) -> None:
        link = find_link(self.folder)
        if link is not None:
            self.release()
            raise InputError(
                f"{self.folder} holds a link, {link}, which napari-graft did not put there: "
                "move that folder away, or choose another name for the result"
            )

    def remove(self, *names: str) -> None:
        """Remove files and folders of ours by their names, and whatever of them is not there."""
        for name in names:
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def close(self, *names: str) -> None:
        """Remove what is ours, and the folder where nothing else is in it; let others make the result."""
        # A killed process may have left files that it was writing to: they bear the name of the whole one.
        self.remove(*names, *(path.name for path in self.folder.glob(f".*{TEMPORARY_SUFFIX}")))
        if os.listdir(self.folder) == [MARK]:
            self.remove(MARK)
            with suppress(OSError):  # another process has claimed it at this moment
                self.folder.rmdir()
        self.release()

    def release(self) -> None:
        """Let another process go on; more than once does no harm."""
        self._lock.release()


REPLACED = "replaced.zarr"
"""Folder of an older result while the new one takes its place."""


def publish_folder(staging: Staging, name: str, target: Path) -> None:
    """Move a finished zarr folder out of the staging folder over `target`, which is replaced.

    Raises
    ------
    OSError
        If it cannot be moved; what was there is then kept beside it.
    """
    # The last that is written: what is newer was changed by another program, see `is_our_zarr`.
    os.utime(staging.folder / name / "zarr.json")
    if target.exists():
        staging.remove(REPLACED)
        target.rename(staging.folder / REPLACED)
    (staging.folder / name).rename(target)
    sync_folder(target.parent)


def _make(folder: Path) -> None:
    if os.path.lexists(folder) and not _is_marked(folder) and not _is_empty(folder):
        raise InputError(
            f"{folder} is needed for what is unfinished, and was not made by this version of napari-graft: "
            "move it away, or choose another name for the result"
        )
    folder.mkdir(parents=True, exist_ok=True)


def _is_marked(folder: Path) -> bool:
    mark = folder / MARK
    return not folder.is_symlink() and not mark.is_symlink() and mark.is_file()


def _is_empty(folder: Path) -> bool:
    return not folder.is_symlink() and folder.is_dir() and not any(folder.iterdir())


_EVERY_CHUNK = {"array.write_empty_chunks": True}
"""A chunk of background has a file as well: one that is missing is known to be lost, see `damaged_blocks`."""


def create_array(
    staged: Path,
    names: tuple[str, ...],
    shape_and_chunk: tuple[tuple[int, ...], tuple[int, ...]],
    dtype: np.dtype[np.generic],
    attributes: dict[str, object],
) -> zarr.Array[Any]:
    """Make the array of a result, all 0, in a new zarr group; each chunk carries a checksum."""
    import zarr

    group = zarr.create_group(staged, zarr_format=3, attributes=attributes)
    return add_array(group, "0", names, shape_and_chunk, dtype)


def add_array(
    group: zarr.Group,
    path: str,
    names: tuple[str, ...],
    shape_and_chunk: tuple[tuple[int, ...], tuple[int, ...]],
    dtype: np.dtype[np.generic],
) -> zarr.Array[Any]:
    """Make another array of a result in its group, all 0; each chunk carries a checksum."""
    import zarr
    from zarr.codecs import ZstdCodec

    shape, chunk = shape_and_chunk
    with zarr.config.set(_EVERY_CHUNK):
        return group.create_array(
            path,
            shape=shape,
            dtype=dtype,
            chunks=chunk,
            fill_value=0,
            dimension_names=names,
            compressors=ZstdCodec(level=0, checksum=True),
        )


def reopen_array(
    staged: Path, shape: tuple[int, ...], dtype: np.dtype[np.generic], attributes: dict[str, object]
) -> zarr.Array[Any] | None:
    """Return the unfinished array, None where there is none or its making was interrupted."""
    import zarr

    if not (staged / "0" / "zarr.json").is_file():
        return None
    group = zarr.open_group(staged, mode="r+")
    with zarr.config.set(_EVERY_CHUNK):
        array = group["0"]
    if not isinstance(array, zarr.Array):
        return None
    if array.shape != shape or array.dtype != dtype or group.attrs.asdict() != attributes:
        raise InputError(
            f"{staged.parent} holds an unfinished result of another image ({array.shape}, {array.dtype}; now "
            f"{shape}, {dtype}, or other pixels): delete that folder or choose another name"
        )
    return array
