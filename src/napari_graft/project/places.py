"""What belongs to a project in its folder, and what of it may not be used: links, and what is no folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io import atomic
from napari_graft.io.damage import DamageLog

ANNOTATIONS, RUNS, DRAFTS, CACHE, RESULTS = "annotations", "runs", "drafts", "cache", "results"
FOLDERS = (ANNOTATIONS, RUNS, DRAFTS, CACHE, RESULTS)
_FILE_SUFFIXES = (".json", ".jsonl")
_LOCKS = ("lock", "lock.holder")
_LARGE = (".zarr", f".zarr{atomic.TEMPORARY_SUFFIX}")
"""Results with a file for each chunk, which are looked through when they are used."""


def refuse_links(folder: Path) -> None:
    """Refuse a project in whose places something is a link: what is written there would land elsewhere.

    The folder itself may be reached by a link, and what is not the project's own, such as an image, may be
    one.

    Raises
    ------
    InputError
        If so, or a folder in it may not be looked into.
    """
    with _readable(folder), os.scandir(folder) as entries:
        ours = [entry for entry in entries if _is_ours(entry.name)]
    for entry in ours:
        if entry.is_symlink():
            raise _refusal(folder, entry.path)
        if entry.is_dir(follow_symlinks=False):
            refuse_links_below(Path(entry.path), folder)


def refuse_links_below(place: Path, project: Path, *, with_large: bool = False) -> None:
    """Refuse links anywhere below a folder of a project; in large results only where that is asked for.

    Raises
    ------
    InputError
        As for `refuse_links`.
    """
    waiting = [place]
    while waiting:
        current = waiting.pop()
        with _readable(current), os.scandir(current) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise _refusal(project, entry.path)
                if entry.is_dir(follow_symlinks=False) and (with_large or not entry.name.endswith(_LARGE)):
                    waiting.append(Path(entry.path))


def set_aside_what_is_no_folder(folder: Path, damage: DamageLog) -> None:
    """Set aside what is there under the name of a folder of the project and is none."""
    for name in FOLDERS:
        path = folder / name
        if os.path.lexists(path) and not path.is_dir():
            damage.set_aside(
                DamagedFileError(f"{str(path)!r} is no folder: restore what was in it from a backup"), path
            )


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{str(folder)!r} cannot be read: {error.strerror or error}; check its permissions"
        ) from None


def _is_ours(name: str) -> bool:
    is_temporary = name.startswith(".") and name.endswith(atomic.TEMPORARY_SUFFIX)
    return name in FOLDERS or name in _LOCKS or name.endswith(_FILE_SUFFIXES) or is_temporary


def _refusal(project: Path, path: str) -> InputError:
    return InputError(
        f"project {str(project)!r} holds a link, {path!r}, and links inside a project are refused: "
        "put what it leads to in its place, or remove it"
    )
