"""A project as a notebook shows it: what it holds, beside a small picture of the image."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile

if TYPE_CHECKING:
    from napari_graft.project.project import Project

SIDE = 192
# Enough to see what the image is, and quick to read from an image of any size.
_LARGEST_CUT = 4 * SIDE


def describe_in_words(project: Project) -> str:
    """Return one line: name, size, and how far the work on it is."""
    known = project.manifest
    shape = " × ".join(map(str, known.shape))
    n_tiles, n_runs = len(project.annotations.tiles()), len(project.runs.all())
    wanted = known.structure or "anything"
    return f"{project.folder.name}: {wanted} in {shape} {known.axes}, {n_tiles} painted tiles, {n_runs} runs"


def describe_as_html(project: Project) -> str:
    """Return the line with a picture of the middle of the image, or why the image cannot be read."""
    words = html.escape(describe_in_words(project))
    try:
        picture = _picture(project)
    except InputError as error:
        return f"<div>{words}</div><div>{html.escape(str(error))}</div>"
    return f'<div><img src="{picture}" width="{SIDE}" alt="middle of the image"></div><div>{words}</div>'


def _picture(project: Project) -> str:
    from napari_graft.report.pictures import picture_of

    cut = _middle_tile(project.manifest.shape)
    grey = project.volume.read(cut).reshape(cut.shape[-2:])
    return picture_of(_small(grey), "image", "the middle of the image").data_uri


def _middle_tile(shape: tuple[int, ...]) -> Tile:
    side = tuple(min(n, _LARGEST_CUT) if axis >= len(shape) - 2 else 1 for axis, n in enumerate(shape))
    return Tile(tuple((n - m) // 2 for n, m in zip(shape, side, strict=True)), side)


def _small(grey: NDArray[np.float32]) -> NDArray[np.uint8]:
    step = max(1, -(-max(grey.shape) // SIDE))
    small = grey[::step, ::step]
    low, high = np.percentile(small, (1, 99))
    return np.asarray(255 * np.clip((small - low) / max(high - low, 1e-6), 0, 1), np.uint8)
