"""How much memory this process uses."""

from __future__ import annotations

import os
from pathlib import Path

_MEGABYTE = 2**20


def resident_megabytes() -> float | None:
    """Return the memory that the process holds, in MiB; None where the system does not tell.

    Linux tells what it holds now, macOS the most that it ever held.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return _peak_megabytes()
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE


def _peak_megabytes() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEGABYTE
