"""Which part of the image is segmented after a training, so that a result comes soon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_graft.core.tile import Tile

LARGEST = 32_000_000
"""Pixels that are segmented without being asked for; a processor of two cores does these in a few minutes."""
_MARGIN = 256


def region_to_segment(
    shape: tuple[int, ...], tiles: Sequence[Tile], place: tuple[int, ...] | None, largest: int = LARGEST
) -> Tile:
    """Return the whole image where it is small, else a box around the tiles and what the user looks at.

    Parameters
    ----------
    shape
        Of the image.
    tiles
        Those that are painted or to be painted.
    place
        Pixel that the user looks at, None where that is not known.
    largest
        Pixels of the box at most. What exceeds them is cut off far from `place`: slices first.
    """
    whole = Tile((0,) * len(shape), shape)
    if whole.n_pixels <= largest:
        return whole
    centre = place or (_centre(tiles[0]) if tiles else _centre(whole))
    centre = tuple(int(np.clip(c, 0, n - 1)) for c, n in zip(centre, shape, strict=True))
    boxes = [*tiles, Tile(centre, (1,) * len(shape))]
    start = np.min([box.start for box in boxes], axis=0)
    stop = np.max([box.stop for box in boxes], axis=0)
    margin = (0,) * (len(shape) - 2) + (_MARGIN, _MARGIN)
    box = Tile(tuple(map(int, start)), tuple(map(int, stop - start))).grow(margin).clip(shape)
    return _cut(box, centre, largest)


def _cut(box: Tile, centre: tuple[int, ...], largest: int) -> Tile:
    """Shorten a box around its pixel `centre`, along z as far as that goes, then along y and x."""
    n_before, plane = box.ndim - 2, box.shape[-2] * box.shape[-1]
    side = int(largest**0.5)
    lengths = [max(1, min(n, largest // plane)) for n in box.shape[:n_before]]
    if plane > largest:
        # A long and narrow plane keeps its whole width.
        narrow = min(box.shape[-2:])
        lengths += [min(n, side if narrow > side else largest // narrow) for n in box.shape[-2:]]
    else:
        lengths += box.shape[-2:]
    start = [
        min(max(c - n // 2, a), b - n)
        for c, n, a, b in zip(centre, lengths, box.start, box.stop, strict=True)
    ]
    return Tile(tuple(start), tuple(lengths))


def region_text(region: Tile) -> str:
    """Return a region as `PredictJob` and the command line take it.

    >>> region_text(Tile((2, 0), (3, 8)))
    '2:5,0:8'
    """
    return ",".join(f"{a}:{b}" for a, b in zip(region.start, region.stop, strict=True))


def _centre(tile: Tile) -> tuple[int, ...]:
    return tuple(a + n // 2 for a, n in zip(tile.start, tile.shape, strict=True))
