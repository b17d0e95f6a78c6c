from __future__ import annotations

import numpy as np
import pytest

from napari_graft.acquisition.candidates import Candidate, PaintingWork
from napari_graft.acquisition.painting_cost import (
    PaintingCost,
    fit_cost,
    predicted_work,
    select_by_cost,
    work_of_annotation,
    work_of_objects,
)
from napari_graft.acquisition.random_tiles import RandomTiles
from napari_graft.core.tile import Tile


def test_the_work_of_a_tile_is_its_objects_and_their_borders() -> None:
    truth = np.zeros((1, 6, 6), np.uint32)
    truth[0, 1:3, 1:3], truth[0, 1:3, 3:5] = 4, 9
    # Left and right of the pair, above and below each, and between both.
    assert work_of_objects(truth) == PaintingWork(2, 2 * 2 + 4 * 2 + 2)
    assert work_of_annotation(truth) == work_of_objects(truth)
    assert work_of_annotation(np.minimum(truth, 1)) == PaintingWork(0, 0)


def test_a_model_expects_objects_where_it_parts_them() -> None:
    foreground, attraction = np.zeros((8, 12), np.float32), np.ones((2, 8, 12), np.float32)
    foreground[1:7, 1:11] = 1
    assert predicted_work(foreground, attraction).n_objects == 1
    attraction[1, :, 6] = 0
    assert predicted_work(foreground, attraction).n_objects == 2


def test_the_cost_is_learned_from_tiles_that_were_timed() -> None:
    rng = np.random.default_rng(0)
    true = PaintingCost(30, 12, 0.1)
    works = [PaintingWork(int(n), int(20 * n + b)) for n, b in rng.integers(1, 60, (200, 2))]
    found = fit_cost(works, [true.seconds(work) for work in works])
    for work in works[:5]:
        assert found.seconds(work) == pytest.approx(true.seconds(work), rel=0.05)
    assert found.n_timed == 200


def test_without_a_timed_tile_the_usual_cost_holds_and_no_part_becomes_negative() -> None:
    usual = PaintingCost()
    untimed = fit_cost([PaintingWork(3, 100)], [0.0])
    assert untimed.n_timed == 0
    assert untimed.seconds(PaintingWork(7, 50)) == pytest.approx(usual.seconds(PaintingWork(7, 50)))
    odd = fit_cost([PaintingWork(50, 10), PaintingWork(1, 5000)], [10.0, 900.0])
    assert min(odd.per_tile, odd.per_object, odd.per_border) >= 0


def candidates(works: list[PaintingWork | None]) -> list[Candidate]:
    return [Candidate(Tile((0, 10 * i), (10, 10)), contrast=1.0, work=work) for i, work in enumerate(works)]


def test_of_the_tiles_a_strategy_proposes_those_with_most_objects_for_the_time_are_taken() -> None:
    full, empty, ragged = PaintingWork(20, 400), PaintingWork(0, 0), PaintingWork(4, 9000)
    tiles = candidates([full, empty, ragged, full])
    found = select_by_cost(
        RandomTiles(), tiles, 2, np.random.default_rng(0), annotated=(), cost=PaintingCost()
    )
    assert {one.tile.start[1] for one in found} == {0, 30}
    assert all("about 2 minutes to paint" in one.reason for one in found)


def test_where_no_model_has_looked_the_strategy_alone_decides() -> None:
    tiles = candidates([None] * 6)
    found, plain = (
        RandomTiles().select(tiles, 6, np.random.default_rng(3))[:3],
        select_by_cost(RandomTiles(), tiles, 3, np.random.default_rng(3), annotated=(), cost=PaintingCost()),
    )
    assert found == plain
