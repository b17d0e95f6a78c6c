"""Find out whether two images hold the same pixels, block by block."""

from __future__ import annotations

import numpy as np

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.image_copy import block_grid
from napari_graft.io.volume import Volume


def have_same_pixels(first: Volume, second: Volume, *, report: Report, cancel: CancelToken) -> bool:
    """Say whether two images are the same, pixel by pixel; what is stored in another byte order is the same.

    It ends at the first block that differs. No more than two blocks are in memory.

    Raises
    ------
    InputError
        If pixels cannot be read.
    Cancelled
        When asked to stop.
    """
    if _form(first) != _form(second):
        return False
    blocks = block_grid(first)
    for i, block in enumerate(blocks):
        cancel.raise_if_cancelled()
        report(Progress(i, len(blocks), "comparing the layer with the file"))
        one, other = first.read_raw(block), second.read_raw(block)
        if not np.array_equal(one, other, equal_nan=np.issubdtype(one.dtype, np.inexact)):
            return False
    return True


def _form(volume: Volume) -> tuple[object, ...]:
    n_channels = None if volume.channel_axis is None else volume.data.shape[volume.channel_axis]
    return volume.shape, n_channels, np.dtype(volume.dtype).newbyteorder("=")
