"""Numbered files of one size as one stack."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile

from napari_graft.core.errors import InputError, StorageError, UnclearImageError
from napari_graft.core.pairing import FileSeries, natural_key, pair_files
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels, open_volume
from napari_graft.io.marks import program_name


def is_series(path: str) -> bool:
    """Say whether a path is a pattern that stands for several files."""
    return any(mark in path for mark in "*?[") and not Path(path).exists()


def stack_series(image: str, labels: str, folder: Path) -> tuple[str, str]:
    """Return the paths of an image and its labels; where they are patterns, of stacks written to `folder`.

    Raises
    ------
    InputError
        If no file matches, a file has no partner, or the images differ in shape or type.
    StorageError
        If a stack cannot be written.
    """
    for pattern in (image, labels):
        if is_series(pattern) and not find_series(pattern).names:
            raise InputError(f"no file matches {pattern!r}: check the pattern")
    if is_series(image) != is_series(labels):
        raise InputError(
            f"{image!r} and {labels!r}: one is a pattern and the other a file; give two files or two patterns"
        )
    if not is_series(image):
        return image, labels
    pairs = pair_files(find_series(image), find_series(labels))
    return (
        write_stack(image, folder / "image.tif", [name for name, _ in pairs]),
        write_stack(labels, folder / "labels.tif", [name for _, name in pairs], has_labels=True),
    )


def find_series(pattern: str) -> FileSeries:
    """Return the files that a pattern names, in the order of the numbers in their names."""
    return FileSeries(pattern, tuple(sorted(glob.glob(pattern, recursive=True), key=natural_key)))


def write_stack(
    pattern: str, out: Path, names: Sequence[str] | None = None, *, has_labels: bool = False
) -> str:
    """Write the files that a pattern names as one TIFF stack; return its path.

    Parameters
    ----------
    names
        The files in their order, where it is not that of the numbers in their names.
    has_labels
        Whether they are label images.

    Raises
    ------
    InputError
        If no file matches, or the images differ in shape or type.
    StorageError
        If the stack cannot be written.
    """
    chosen = find_series(pattern).names if names is None else names
    try:
        volumes = [open_labels(name, mask="object") if has_labels else open_volume(name) for name in chosen]
    except UnclearImageError as error:  # the options are about the stack
        raise InputError(f"{error.problem}: save it as OME-TIFF, whose axes are named") from None
    if not volumes:
        raise InputError(f"no file matches {pattern!r}: check the pattern")
    kinds = {(volume.shape, "" if has_labels else str(volume.dtype)) for volume in volumes}
    if len(kinds) > 1:
        found = ", ".join(f"{shape} {dtype}" for shape, dtype in sorted(kinds))
        raise InputError(
            f"the images that match {pattern!r} differ: {found}; a stack needs one shape and type"
        )
    stack = np.stack([v.read_raw(Tile((0,) * len(v.shape), v.shape)) for v in volumes])
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        axes = "ZYXS" if stack.ndim == 4 else "ZYX"
        tifffile.imwrite(
            out,
            stack,
            compression="zlib",
            metadata={"axes": axes},
            photometric=_photometric(axes),
            software=program_name(),
        )
    except OSError as error:
        raise StorageError(f"the stack cannot be written to {out}: {error.strerror or error}") from None
    return str(out)


def _photometric(axes: str) -> str:
    return "rgb" if axes.endswith("S") else "minisblack"
