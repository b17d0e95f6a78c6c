"""What to do with a damaged file of a project: keep it under another name, and say so once."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from napari_graft.core.errors import DamagedFileError
from napari_graft.core.progress import NOTE

DAMAGED_SUFFIX = ".damaged"

_log = logging.getLogger(__name__)


class DamageLog:
    """Log of damaged files, which sets them aside where they may be written.

    Parameters
    ----------
    writable
        Whether files may be renamed; a reader leaves them where they are.
    """

    def __init__(self, *, writable: bool) -> None:
        self._writable = writable
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What was told so far."""
        return tuple(self._notes)

    def tell(self, words: str) -> None:
        """Log a note for the user, once however often it is told."""
        if words not in self._notes:
            self._notes.append(words)
            _log.warning("%s%s", NOTE, words)

    def set_aside(self, error: DamagedFileError, *paths: Path) -> None:
        """Tell of an error, and rename the files that it is about; never over another file."""
        moved = [name for path in paths if self._writable and (name := _rename(path))]
        self.tell(f"{error} (set aside as {' and '.join(map(repr, moved))})" if moved else str(error))


def _rename(path: Path) -> str | None:
    """Rename a file, link or folder, and return its new name; None where it is not there or cannot be."""
    target = path.with_name(path.name + DAMAGED_SUFFIX)
    number = 1
    while os.path.lexists(target):
        number += 1
        target = path.with_name(f"{path.name}{DAMAGED_SUFFIX}-{number}")
    try:
        path.rename(target)
    except OSError:
        return None
    return target.name
