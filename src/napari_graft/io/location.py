"""Paths of images: a file or folder, and perhaps which part of it."""

from __future__ import annotations

import os

DATASET_MARK = "::"


def split_location(path: str) -> tuple[str, str]:
    """Return the file or folder that a path names, and what follows ``::``, empty where nothing does.

    A file whose own name, or folder, contains ``::`` wins; where nothing is there, the last ``::`` counts.

    >>> split_location("cells.h5::/raw")
    ('cells.h5', '/raw')
    """
    expanded = os.path.expanduser(path)
    if DATASET_MARK not in path or os.path.lexists(expanded):
        return path, ""
    parts = path.split(DATASET_MARK)
    for n in range(len(parts) - 1, 0, -1):
        location = DATASET_MARK.join(parts[:n])
        if os.path.lexists(os.path.expanduser(location)):
            return location, DATASET_MARK.join(parts[n:])
    return DATASET_MARK.join(parts[:-1]), parts[-1]
