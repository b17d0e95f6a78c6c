"""The pixel size of a project in words: where it is from, or why it has to be given."""

from __future__ import annotations

from napari_graft.core.progress import NOTE
from napari_graft.io.opening import GIVEN
from napari_graft.io.pixel_sizes import size_words
from napari_graft.project.manifest import ProjectManifest

OPTION = "--pixel-size"


def pixel_size_lines(manifest: ProjectManifest) -> list[str]:
    """Return what the command line says of the pixel size: it and its origin, or a note that asks for it."""
    doubt = manifest.pixel_size_doubt
    if manifest.pixel_size is None:
        return [unknown_pixel_size(manifest)]
    line = f"pixel size {size_words(manifest.pixel_size, manifest.unit)}"
    if manifest.pixel_size_from:
        line += f", from {OPTION if manifest.pixel_size_from == GIVEN else manifest.pixel_size_from}"
    return [line] + ([f"{NOTE}{doubt}; if that is wrong, give the pixel size with {OPTION}"] if doubt else [])


def unknown_pixel_size(manifest: ProjectManifest) -> str:
    """Return the note that a pixel size is unknown, why, and how to give it."""
    why = f" ({manifest.pixel_size_doubt})" if manifest.pixel_size_doubt else ""
    letters = " ".join(manifest.axes.upper())
    return (
        f"{NOTE}the pixel size is unknown{why}, so the image is used as it is; "
        f"give it with {OPTION} {letters} --unit nm"
    )
