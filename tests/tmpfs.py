"""Disks so small that they fill up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted_disk(folder: Path, size: str) -> Iterator[Path]:
    """Give a disk of a size such as ``256k`` in a new folder; skip the test where that is not permitted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a tmpfs is not permitted here: run as root to test a full disk")
    try:
        yield folder
    finally:
        # Lazily: a file that the test left open, in a traceback for one, would keep it busy.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
