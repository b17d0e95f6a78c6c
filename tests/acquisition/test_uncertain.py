from __future__ import annotations

import numpy as np

from napari_graft.acquisition.candidates import Candidate
from napari_graft.acquisition.uncertainty import Entropy, MedianUncertainty, UncertaintyDiversity
from napari_graft.core.tile import Tile


def row(uncertainties, embeddings=None, step=10):
    embeddings = np.zeros((len(uncertainties), 2), np.float32) if embeddings is None else embeddings
    return [
        Candidate(Tile((0, step * i), (10, 10)), contrast=1.0, uncertainty=u, embedding=np.float32(e))
        for i, (u, e) in enumerate(zip(uncertainties, embeddings, strict=True))
    ]


def chosen(strategy, candidates, n, step=10, **options):
    found = strategy.select(candidates, n, np.random.default_rng(0), **options)
    return [one.tile.start[1] // step for one in found]


def test_entropy_takes_the_most_uncertain_first():
    assert chosen(Entropy(), row([0.1, 0.9, 0.5, 0.7]), 3) == [1, 3, 2]


def test_entropy_passes_over_what_overlaps_a_better_tile():
    assert chosen(Entropy(), row([0.1, 0.9, 0.8, 0.7], step=6), 2, step=6) == [1, 3]


def test_median_uncertainty_takes_what_is_closest_to_the_median():
    assert sorted(chosen(MedianUncertainty(), row([0.0, 0.1, 0.4, 0.5, 0.6, 0.8, 1.0]), 3)) == [2, 3, 4]


def test_the_median_is_that_of_the_tiles_still_open():
    candidates = row([0.1, 0.2, 0.3, 0.9, 0.9, 0.9, 0.9])
    annotated = [Candidate(Tile((0, 30), (10, 40)), contrast=1.0)]
    assert chosen(MedianUncertainty(), candidates, 1, annotated=annotated) == [1]


def test_uncertainty_with_diversity_takes_one_of_each_uncertain_kind():
    kinds = [(0, 0)] * 4 + [(5, 0)] * 4 + [(0, 5)] * 16
    uncertainties = [0.9, 0.91, 0.92, 0.93, 0.8, 0.81, 0.82, 0.83] + [0.1] * 16
    found = chosen(UncertaintyDiversity(), row(uncertainties, kinds), 2)
    assert {index // 4 for index in found} == {0, 1}


def test_uncertainty_with_diversity_avoids_what_is_annotated():
    kinds = [(0, 0)] * 2 + [(5, 0)] * 2 + [(9, 9)] * 4
    candidates = row([0.9, 0.8, 0.85, 0.84, 0.1, 0.1, 0.1, 0.1], kinds)
    painted = Candidate(Tile((99, 0), (5, 5)), contrast=1.0, embedding=np.float32([0, 0]))
    assert chosen(UncertaintyDiversity(), candidates, 1, annotated=[painted]) == [2]
    found = chosen(UncertaintyDiversity(), candidates, 2, annotated=[painted])
    assert found[0] in (2, 3)
