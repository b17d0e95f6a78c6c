"""Where to look: tiles around a place or over what is seen, one slice thick."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile


def tile_around(centre: Sequence[float], side: int, shape: Sequence[int]) -> Tile:
    """Return the tile of `side` pixels around a place, moved so far that it lies in the image.

    Parameters
    ----------
    centre
        Pixel coordinates; may lie outside the image.
    side
        Side of the tile; the tile is smaller where the image is.
    shape
        Of the image.
    """
    lengths = [1] * (len(shape) - 2) + [min(side, n) for n in shape[-2:]]
    starts = [
        min(max(0, round(at - (length - 1) / 2)), n - length)
        for at, length, n in zip(centre, lengths, shape, strict=True)
    ]
    return Tile(tuple(starts), tuple(lengths))


def tile_between(low: Sequence[float], high: Sequence[float], shape: Sequence[int], longest: int) -> Tile:
    """Return the tile that covers the box between two places as far as it lies in the image.

    Parameters
    ----------
    low, high
        Pixel coordinates of two opposite corners.
    shape
        Of the image.
    longest
        A side that is longer is cut to this around its middle.

    Raises
    ------
    InputError
        If nothing of the image lies between them.
    """
    starts, lengths = [], []
    for axis, (a, b, n) in enumerate(zip(low, high, shape, strict=True)):
        first, last = max(0, round(a)), min(n - 1, round(b))
        if last < first:
            raise InputError("nothing of the image is seen: press the home button of napari to bring it back")
        most = longest if axis >= len(shape) - 2 else 1
        length = min(last - first + 1, most)
        starts.append(first + (last - first + 1 - length) // 2)
        lengths.append(length)
    return Tile(tuple(starts), tuple(lengths))
