"""The embedded sample as files."""

from __future__ import annotations

from pathlib import Path

import tifffile

from napari_graft.core.errors import StorageError
from napari_graft.io.marks import program_name
from napari_graft.samples.embedded import neuropil_sample


def write_sample(folder: Path) -> tuple[str, str]:
    """Write the generated EM-like volume and its truth as TIFF files, and return their paths.

    Raises
    ------
    StorageError
        If they cannot be written.
    """
    sample = neuropil_sample()
    image, labels = folder / "image.tif", folder / "labels.tif"
    axes = {"axes": "ZYX"}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(image, sample.image, compression="zlib", metadata=axes, software=program_name())
        tifffile.imwrite(labels, sample.segments, compression="zlib", metadata=axes, software=program_name())
    except OSError as error:
        raise StorageError(f"the sample cannot be written to {folder}: {error.strerror or error}") from None
    return str(image), str(labels)
