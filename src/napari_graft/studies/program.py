"""Which program measured something: a checksum of its code."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_SHOWING = frozenset({"_napari", "_qt", "cli", "engine", "report", "workbench"})
"""Packages that show what others find."""


@cache
def program_checksum() -> str:
    """Return the SHA-256 of all code that can change a score.

    What was measured with other code is measured anew, so that two commits can be compared in one folder.
    """
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package)
        if name.parts[0] not in _SHOWING:
            digest.update(f"{name.as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
