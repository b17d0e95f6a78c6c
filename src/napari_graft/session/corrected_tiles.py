"""Tiles for the next round from a result that was proofread: what somebody looked at, as annotations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.labels import BACKGROUND, UNLABELLED, to_annotation
from napari_graft.core.tile import Tile
from napari_graft.project.project import Project
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.session.annotation import next_round, user_name

_SEEN_AROUND = 8
"""Pixels around an object that was looked at, in which what is no object was looked at as well."""
_MOST_TILES = 32
"""At once: more than a person can have proofread between two rounds."""
_PLACES = (0.5, 0.25, 0.75, 0.05, 0.95)
"""Where in a tile a place may lie, as shares of its side; the middle first."""


@dataclass(frozen=True, slots=True, eq=False)
class Proofread:
    """A result and what somebody has looked at of it.

    Parameters
    ----------
    objects
        The result as it is corrected.
    start
        Pixel of the image where its first pixel lies.
    checked
        Objects that are right: corrected, accepted or locked.
    doubtful
        Objects of which nobody can tell.
    edits
        That were done on it.
    run
        The run that made it, None where that is not known.
    """

    objects: ObjectMap
    start: tuple[int, ...]
    checked: frozenset[int]
    doubtful: frozenset[int] = frozenset()
    edits: tuple[Edit, ...] = ()
    run: str | None = None

    @property
    def region(self) -> Tile:
        """The box of the image that it covers."""
        return Tile(self.start, self.objects.labels.shape)

    def whole(self, tile: Tile) -> NDArray[np.uint32]:
        """Return the annotation of a tile of the image where all is right but for what is doubtful.

        Raises
        ------
        InputError
            If the tile is not inside the result.
        """
        labels = self._labels(tile)
        annotation = to_annotation(labels)
        annotation[np.isin(labels, list(self.doubtful))] = UNLABELLED
        return annotation

    def looked_at(self, tile: Tile) -> NDArray[np.uint32]:
        """Return the annotation of a tile of the image where only what was looked at is right.

        These are the objects that were checked, what is no object close to them, and what a tool made
        background; the rest is unlabelled. Errors as for `whole`.
        """
        from scipy.ndimage import distance_transform_edt

        labels = self._labels(tile)
        is_checked = np.isin(labels, list(self.checked - self.doubtful))
        planes = is_checked.reshape(-1, *is_checked.shape[-2:])
        distances = [
            distance_transform_edt(~one) if one.any() else np.full(one.shape, np.inf) for one in planes
        ]
        is_near = np.reshape(distances, is_checked.shape) <= _SEEN_AROUND
        is_background = (labels == 0) & (is_near | self._emptied(tile))
        annotation = np.where(is_checked, to_annotation(labels), np.uint32(UNLABELLED))
        annotation[is_background] = BACKGROUND
        return annotation

    def places(self) -> list[tuple[int, ...]]:
        """Return a pixel of the image for each object that was checked, and for each edit that left none."""
        there = self.checked.intersection(self.objects.ids())
        boxes = [self.objects.box(one) for one in sorted(there)]
        boxes += [one.box for one in self.edits if not there.intersection(one.after.tolist())]
        middles = [tuple(a + n // 2 for a, n in zip(box.start, box.shape, strict=True)) for box in boxes]
        return [tuple(a + b for a, b in zip(at, self.start, strict=True)) for at in middles]

    def _labels(self, tile: Tile) -> NDArray[np.uint32]:
        if not self.region.contains(tile):
            raise InputError(
                f"the tile at {tile.start} of shape {tile.shape} is not inside the result that is proofread: "
                "move the view until it is"
            )
        found = self.objects.labels[tile.shift([-a for a in self.start]).slices]
        return np.asarray(found).astype(np.uint32)

    def _emptied(self, tile: Tile) -> NDArray[np.bool]:
        inside = tile.shift([-a for a in self.start])
        emptied = np.zeros(tile.shape, np.bool)
        for edit in self.edits:
            if edit.box.overlaps(inside):
                is_free = np.repeat(edit.after == 0, edit.lengths)
                at = np.stack(edit.positions(), axis=1)[is_free] - inside.start
                at = at[((at >= 0) & (at < tile.shape)).all(axis=1)]
                emptied[tuple(at.T)] = True
        return emptied


def tiles_over(places: Iterable[Sequence[int]], region: Tile, side: int, taken: Sequence[Tile]) -> list[Tile]:
    """Return tiles that hold as many places as possible and overlap none that is taken, nor each other.

    Parameters
    ----------
    places
        Pixels of the image.
    region
        Where tiles may lie.
    side
        Of a tile along y and x, one slice thick; smaller where the region is.
    taken
        Tiles of the image that are annotated or painted.
    """
    left, found = [tuple(place) for place in places], list[Tile]()
    while left and len(found) < _MOST_TILES:
        first = left[0]
        free = [
            tile
            for tile in _tiles_around(first, region, side)
            if not any(tile.overlaps(other) for other in (*taken, *found))
        ]
        if not free:
            left.pop(0)
            continue
        best = max(free, key=lambda tile: sum(_holds(tile, place) for place in left))
        found.append(best)
        left = [place for place in left if not _holds(best, place)]
    return found


def accept_tiles(
    project: Project, tiles: Sequence[tuple[Tile, NDArray[np.uint32]]], *, run: str | None
) -> list[LabelledTile]:
    """Accept tiles with their annotations; each is on the disk when this returns.

    Parameters
    ----------
    project
        Open for writing.
    run
        The run whose result was corrected.

    Raises
    ------
    InputError
        If there is none, or one overlaps a tile that is annotated: nothing is accepted then.
    """
    if not tiles:
        raise InputError(
            "nothing was corrected or accepted outside of the tiles that are annotated already: correct "
            "something first, or take what is in view"
        )
    annotated = project.annotations.tiles()
    for tile, _ in tiles:
        if any(tile.overlaps(other) for other in annotated):
            raise InputError(
                f"a tile is annotated already where the one at {tile.start} would be: move the view until it "
                "is outside"
            )
    labelled = [LabelledTile(tile, one, bool(one.all()), next_round(project)) for tile, one in tiles]
    model = None if run is None else f"run {run}"
    return [project.accept(one, who=user_name(), model=model) for one in labelled]


def _tiles_around(place: Sequence[int], region: Tile, side: int) -> list[Tile]:
    lengths = [1] * (region.ndim - 2) + [min(side, n) for n in region.shape[-2:]]
    found = []
    for down in _PLACES:
        for right in _PLACES:
            shares = [0.0] * (region.ndim - 2) + [down, right]
            start = [
                min(max(a, round(at - share * n)), b - n)
                for at, share, n, a, b in zip(place, shares, lengths, region.start, region.stop, strict=True)
            ]
            found.append(Tile(tuple(start), tuple(lengths)))
    return list(dict.fromkeys(found))


def _holds(tile: Tile, place: Sequence[int]) -> bool:
    return tile.contains(Tile(tuple(place), (1,) * tile.ndim))
