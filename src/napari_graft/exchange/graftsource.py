"""Our own files: an exported source, a folder, or weights with their card beside them."""

from __future__ import annotations

from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.exchange.import_options import ImportOptions
from napari_graft.sources.archive import SUFFIX, refuse_foreign_format
from napari_graft.sources.source import Source, open_source


def recognises(path: Path) -> bool:
    """Return true: what is of no other format is ours, or nobody's."""
    return True


def import_source(path: Path, folder: Path, options: ImportOptions) -> Source:
    """Open a source where it lies.

    Raises
    ------
    InputError
        If it is none, or if something was said about it that its card says.
    """
    if options.outputs or options.structure:
        raise InputError(f"the card of {str(path)!r} says what it finds: leave outputs and structure out")
    try:
        return open_source(path, "file")
    except InputError:
        if path.is_file() and path.suffix not in (SUFFIX, ".safetensors"):
            refuse_foreign_format(path)
        raise
