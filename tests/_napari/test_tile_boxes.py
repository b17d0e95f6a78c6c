from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Shapes, Vectors

from napari_graft._napari.layers import find_layer
from napari_graft._napari.overlays.tile_boxes import hide_boxes, show_candidates, show_queue
from napari_graft.core.tile import Tile
from napari_graft.project.tile_queue import QueuedTile, TileQueue
from napari_graft.workbench.annotate.suggesting import CandidateTile


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def stack(viewer: ViewerModel) -> Image:
    return viewer.add_image(
        np.zeros((4, 64, 96), np.uint8), scale=(40, 4, 8), translate=(0, 100, 200), name="image"
    )


def test_boxes_lie_on_the_pixels_of_their_tiles_in_their_slice(viewer: ViewerModel, stack: Image) -> None:
    tile = Tile((2, 16, 32), (1, 16, 16))
    show_queue(viewer, stack, TileQueue(tiles=(QueuedTile(start=tile.start, shape=tile.shape),)), None)

    boxes = find_layer(viewer, "tiles", kind="queue")
    assert isinstance(boxes, Shapes)
    np.testing.assert_array_equal(boxes.data[0].min(0), (2, 15.5, 31.5))
    np.testing.assert_array_equal(boxes.data[0].max(0), (2, 31.5, 47.5))
    np.testing.assert_array_equal(boxes.data_to_world((2, 16, 32)), stack.data_to_world((2, 16, 32)))


def test_outside_the_current_tile_its_slice_is_dimmed_wholly(viewer: ViewerModel, stack: Image) -> None:
    tile = Tile((2, 16, 32), (1, 16, 16))
    show_queue(viewer, stack, TileQueue(tiles=(QueuedTile(start=tile.start, shape=tile.shape),)), tile)

    boxes = find_layer(viewer, "tiles", kind="queue")
    covered = np.zeros((64, 96), int)
    for corners, colour in zip(boxes.data, boxes.face_color, strict=True):
        if colour[3] > 0:
            assert set(corners[:, 0]) == {2}
            (top, left), (bottom, right) = (corners[:, 1:].min(0) + 0.5), (corners[:, 1:].max(0) + 0.5)
            covered[int(top) : int(bottom), int(left) : int(right)] += 1
    expected = np.ones((64, 96), int)
    expected[16:32, 32:48] = 0
    np.testing.assert_array_equal(covered, expected)


def test_states_are_told_apart_and_the_current_tile_is_drawn_last(viewer: ViewerModel, stack: Image) -> None:
    states = ("to do", "done", "unsure", "skipped", "bad image")
    tiles = tuple(
        QueuedTile(start=(0, 0, 16 * i), shape=(1, 16, 16), state=state) for i, state in enumerate(states)
    )
    show_queue(viewer, stack, TileQueue(tiles=tiles), tiles[0].tile)

    boxes = find_layer(viewer, "tiles", kind="queue")
    assert [word for word in boxes.text.values if word] == ["2 ✓", "3 ?", "4 –", "5 ×", "1"]
    edges = boxes.edge_color[-5:]
    assert len(np.unique(edges, axis=0)) == 5
    assert edges[-1][3] == 1
    assert edges[0][3] < 1


def test_candidates_are_squares_coloured_from_the_surest_to_the_most_unsure(
    viewer: ViewerModel, stack: Image
) -> None:
    unsure = (0.1, 0.5, None, 0.2)
    candidates = [
        CandidateTile(start=(1, 0, 16 * i), shape=(1, 16, 16), uncertainty=value)
        for i, value in enumerate(unsure)
    ]
    show_candidates(viewer, stack, candidates)

    layer = find_layer(viewer, "tiles", kind="candidates")
    assert isinstance(layer, Vectors)
    assert len(layer.data) == 3  # of one nothing is known
    np.testing.assert_array_equal(layer.data[1], [[1, 7.5, 15.5], [0, 0, 16]])
    assert layer.edge_width == 16
    brightness = layer.edge_color[:, :3].sum(1)
    assert brightness[0] < brightness[2] < brightness[1]
    assert (layer.edge_color[:, 3] == 1).all()
    show_candidates(viewer, stack, candidates, candidates[1].tile)
    np.testing.assert_array_equal(layer.edge_color[:, 3], [1, 0, 1])  # nothing lies over what is painted
    show_candidates(viewer, stack, candidates[:1])
    assert len(layer.data) == 1


def test_user_keeps_the_active_layer_and_boxes_go_when_asked(viewer: ViewerModel, stack: Image) -> None:
    viewer.layers.selection.active = stack
    queued = QueuedTile(start=(0, 0, 0), shape=(1, 16, 16))
    show_queue(viewer, stack, TileQueue(tiles=(queued,)), queued.tile)
    show_queue(viewer, stack, TileQueue(tiles=(queued,)), None)
    assert viewer.layers.selection.active is stack
    assert len(viewer.layers) == 2

    hide_boxes(viewer)
    hide_boxes(viewer)
    assert list(viewer.layers) == [stack]
