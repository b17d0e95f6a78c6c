"""Asking for the file that a segmentation of the whole image is written to."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget


def ask_for_result_file(parent: QWidget, proposed: Path) -> Path | None:
    """Return the file that the user chose, None where they chose none."""
    path, _ = QFileDialog.getSaveFileName(
        parent, "Segment the whole image into", str(proposed), "TIFF (*.tif);;OME-Zarr (*.zarr)"
    )
    return Path(path) if path else None
