from __future__ import annotations

import numpy as np
import pytest

from napari_graft.imaging.content import fullest


def images(*spreads: float) -> list[np.ndarray]:
    grey = np.random.default_rng(0).normal(size=(8, 9)).astype(np.float32)
    return [grey * np.float32(spread) for spread in spreads]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_empty_places_are_left_out(n: int) -> None:
    pieces = images(0.0, 1.0, 0.01, 0.8, 0.9, 0.02)
    found = fullest(pieces, n)
    assert len(found) == n
    assert min(one.std() for one in found) > 0.5
    assert found[0] is pieces[1]


def test_not_the_fullest_alone_are_taken() -> None:
    pieces = images(*np.linspace(0.1, 1, 20))
    assert [round(float(one.std() / pieces[-1].std()), 1) for one in fullest(pieces, 3)] == [1.0, 0.8, 0.6]


def test_all_come_where_there_are_no_more() -> None:
    pieces = images(0.2, 0.1)
    assert fullest(pieces, 5) == pieces
    assert fullest([], 2) == []
