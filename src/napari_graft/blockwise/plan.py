"""Which blocks an image is cut into, and how much each of them sees of its surroundings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.inference.view import ModelGrid, ModelView
from napari_graft.segmentation.stitch import face_between

CORE = {2: (1024, 1024), 3: (32, 160, 160)}
"""Longest block in pixels of the model's grid: the memory that a block takes depends on it."""

HALO = {2: (64, 64), 3: (8, 32, 32)}
"""What is predicted and decoded around a block, in pixels of the model's grid.

Nothing further away has a say in what a network with `ModelSpec.norm` ``channel`` answers for a plane: 48
pixels leave a difference of 0.1 in single probabilities, 64 one of 3e-7."""

LARGEST_ON_IMAGE = {2: 2048, 3: 256}
"""Longest block in pixels of the image, where these are finer than the model's."""


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """Division of a region of an image into numbered blocks.

    Parameters
    ----------
    bounds
        Shape of the image.
    region
        What is segmented.
    block
        Shape of a block in pixels of the image; the last ones may be smaller.
    halo
        Pixels of the image that are read around a block, as far as the image reaches; 0 along axes that the
        model does not see, across which nothing is joined.
    model_grid
        What blocks begin on with their halo, so that they agree where they overlap; None for anywhere.
    """

    bounds: tuple[int, ...]
    region: Tile
    block: tuple[int, ...]
    halo: tuple[int, ...]
    model_grid: ModelGrid | None = None

    @property
    def grid(self) -> TileGrid:
        """The blocks, seen from the first pixel of the region."""
        return TileGrid(self.region.shape, self.block)

    def __len__(self) -> int:
        return len(self.grid)

    def core(self, number: int) -> Tile:
        """Return the pixels that a block is responsible for; each pixel of the region is in one core."""
        index = np.unravel_index(number, self.grid.counts)
        start = tuple(int(i) * n for i, n in zip(index, self.block, strict=True))
        return Tile(start, self.block).clip(self.region.shape).shift(self.region.start)

    def grown(self, number: int) -> Tile:
        """Return the pixels that a block is segmented with: its core and the halo inside the image."""
        grown = self.core(number).grow(self.halo).clip(self.bounds)
        return grown if self.model_grid is None else self.model_grid.align(grown)

    def faces(self, number: int) -> Iterator[tuple[int, Tile]]:
        """Yield each block with a higher number whose objects may go on in this one, and the slab to compare.

        The slab reaches into both blocks by half the halo: there both have seen enough of what is around.
        """
        counts = self.grid.counts
        index = np.unravel_index(number, counts)
        for axis, width in enumerate(self.halo):
            if width > 0 and index[axis] + 1 < counts[axis]:
                neighbour = number + int(np.prod(counts[axis + 1 :]))
                face = face_between(self.core(number), self.core(neighbour), max(1, width // 2))
                both = self.grown(number).intersection(self.grown(neighbour))
                slab = None if face is None or both is None else face.intersection(both)
                if slab is not None:
                    yield neighbour, slab


def plan_blocks(view: ModelView, region: Tile | None, block: Sequence[int] | None) -> BlockPlan:
    """Choose the blocks of a region, all about equally large, of the whole image by default.

    Parameters
    ----------
    block
        Shape in pixels of the image, by default what fits the memory.

    Raises
    ------
    InputError
        If the region reaches outside the image, or the block has other axes than the image or several slices
        for a 2-D model.
    """
    bounds, ndim = view.volume.shape, view.spec.ndim
    chosen = region or Tile((0,) * len(bounds), bounds)
    if chosen.ndim != len(bounds) or not Tile((0,) * len(bounds), bounds).contains(chosen):
        raise InputError(
            f"region {chosen.start} to {chosen.stop} reaches outside the image of shape {bounds}: "
            "choose another"
        )
    n_slicewise = len(bounds) - ndim
    halo = view.on_image(HALO[ndim])
    largest = tuple(min(max(n, 1), LARGEST_ON_IMAGE[ndim]) for n in view.on_image(CORE[ndim]))
    wanted = largest if block is None else tuple(block)
    if len(wanted) != len(bounds) or min(wanted) < 1 or any(n != 1 for n in wanted[:n_slicewise]):
        raise InputError(
            f"block {wanted} does not suit an image of shape {bounds} and a {ndim}-D model: "
            f"give one positive length for each axis{', the first of them 1' if n_slicewise else ''}"
        )
    # Multiples of the grid's unit need the least around them; whoever names a length gets no longer one.
    units = (*(1,) * n_slicewise, *view.grid.on_image) if block is None else (1,) * len(bounds)
    return BlockPlan(bounds, chosen, tuple(map(_spread, chosen.shape, wanted, units)), halo, view.grid)


def _spread(length: int, longest: int, unit: int) -> int:
    """Return the length of the fewest parts that are about equal and, if several, multiples of a unit."""
    most = max(longest // unit, 1) * unit
    part = -(-length // -(-length // most))
    return length if part == length else -(-part // unit) * unit
