"""What was proofread of a result becomes tiles: what nobody looked at stays unlabelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.tools import delete
from napari_graft.session.corrected_tiles import Proofread, accept_tiles, tiles_over
from napari_graft.session.projects.creation import ImageOptions, make_project

TILE = Tile((4, 4), (32, 32))


def objects() -> ObjectMap:
    """Return the objects 1 to 4 of 10 × 10 pixels, 20 apart, in a result that begins at (4, 4)."""
    labels = np.zeros((64, 64), np.uint32)
    for number, (row, column) in enumerate(((2, 2), (2, 20), (20, 2), (20, 20)), 1):
        labels[row : row + 10, column : column + 10] = number
    return ObjectMap(labels)


def test_a_view_is_annotated_whole_but_for_what_nobody_can_tell() -> None:
    found = Proofread(objects(), (4, 4), frozenset(), frozenset({4})).whole(TILE)
    assert set(np.unique(found)) == {0, 1, 2, 3, 4}
    assert found[2, 2] == 2 and found[0, 0] == 1
    assert (found[20:30, 20:30] == 0).all()


def test_of_what_was_looked_at_only_objects_and_what_is_close_are_labelled() -> None:
    map_of = objects()
    edit = delete(map_of, [4])
    map_of.apply(edit)
    found = Proofread(map_of, (4, 4), frozenset({1, 4}), edits=(edit,)).looked_at(TILE)
    assert (found[2:12, 2:12] == 2).all()
    assert found[5, 19] == 1 and found[5, 20] == 0  # eight pixels from object 1; another object
    assert (found[20:30, 20:30] == 1).all()  # was deleted
    assert (found[20:30, 2:12] == 0).all()
    assert set(np.unique(found)) == {0, 1, 2}


def test_a_tile_outside_of_the_result_is_refused() -> None:
    with pytest.raises(InputError, match="not inside the result"):
        Proofread(objects(), (4, 4), frozenset()).whole(Tile((0, 0), (8, 8)))


def test_places_are_covered_by_few_tiles_beside_those_that_are_taken() -> None:
    region, taken = Tile((0, 0), (100, 100)), [Tile((0, 0), (30, 30))]
    places = [(10, 10), (50, 50), (55, 60), (35, 20)]
    found = tiles_over(places, region, 32, taken)
    assert len(found) == 2
    assert not any(one.overlaps(other) for one in found for other in taken)
    assert not found[0].overlaps(found[1])
    assert found[0].contains(Tile((50, 50), (6, 11)))
    assert found[1].contains(Tile((35, 20), (1, 1)))
    assert tiles_over([(10, 10)], region, 32, [region]) == []


def test_tiles_of_a_stack_are_one_slice_thick() -> None:
    assert tiles_over([(5, 9, 9)], Tile((2, 0, 0), (8, 20, 20)), 32, ()) == [Tile((5, 0, 0), (1, 20, 20))]


def test_tiles_are_on_the_disk_and_what_is_annotated_is_never_replaced(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (80, 80)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image)
    labels = np.ones(TILE.shape, np.uint32)
    with make_project(tmp_path / "a.graft", ImageOptions(str(tmp_path / "a.tif"))) as project:
        found = Proofread(objects(), (4, 4), frozenset({1, 2, 3, 4}))
        (stored,) = accept_tiles(project, [(TILE, found.whole(TILE))], run="0001")
        assert stored.complete and stored.role == "part"
        with pytest.raises(InputError, match="annotated already"):
            accept_tiles(project, [(Tile((40, 40), (16, 16)), labels), (TILE, labels)], run="0001")
        with pytest.raises(InputError, match="nothing was corrected"):
            accept_tiles(project, [], run=None)
    with open_project(tmp_path / "a.graft") as project:
        (again,) = project.annotations.labelled_tiles()
        assert isinstance(again, LabelledTile)
        np.testing.assert_array_equal(again.labels, found.whole(TILE))
        assert [entry.model for entry in project.journal.entries()][-1] == "run 0001"
