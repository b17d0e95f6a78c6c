from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_graft.samples.adherent import draw_debris, draw_thickness, generate_adherent_cells
from napari_graft.samples.appearance import Appearance
from napari_graft.samples.spread_cells import SpreadCell, draw_culture

USUAL = replace(Appearance(), radius=16.0, size_spread=0.4, texture=0.03)


def test_a_cell_has_the_area_of_a_disc_of_its_size() -> None:
    members = [
        cell
        for seed in range(4)
        for cell in draw_culture((300, 300), USUAL, np.random.default_rng(seed)).members
    ]
    for cell in members:
        assert np.pi * (cell.outline**2).mean() == pytest.approx(np.pi * cell.size**2, rel=1e-6)
    spread = [cell.size for cell in members if not cell.is_round]
    assert np.median(spread) == pytest.approx(16.0, rel=0.1)


def test_the_outline_turns_with_the_axis_of_the_cell() -> None:
    outline = np.full(180, 5.0)
    outline[[0, 1, 179]] = 20.0  # a process along the axis
    cell = SpreadCell(50.0, 50.0, np.pi / 2, outline, 6.0)
    assert cell.distance(np.asarray([65.0]), np.asarray([50.0]))[0] == pytest.approx(0.75)
    assert cell.distance(np.asarray([50.0]), np.asarray([65.0]))[0] == pytest.approx(3.0)


@pytest.mark.parametrize("seed", range(4))
def test_cells_of_a_culture_are_of_one_piece_and_within_their_reach(seed: int) -> None:
    culture = draw_culture((200, 220), USUAL, np.random.default_rng(seed))
    assert culture.numbers.max() <= len(culture.members)
    for number in np.unique(culture.numbers[culture.numbers > 0]):
        assert ndimage.label(culture.numbers == number)[1] == 1
    assert (culture.reach[culture.numbers > 0] < 1).all()
    assert (culture.reach[culture.numbers == 0] == 1).all()


def test_cultures_are_sparse_and_crowded_and_some_have_cells_that_round_up() -> None:
    cultures = [draw_culture((200, 200), USUAL, np.random.default_rng(seed)) for seed in range(25)]
    covered = [(culture.numbers > 0).mean() for culture in cultures]
    assert min(covered) < 0.2
    assert max(covered) > 0.75
    assert 0 < sum(any(cell.is_round for cell in culture.members) for culture in cultures) < 25


def test_rounded_cells_lie_on_the_others_and_are_thicker() -> None:
    n_round = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        culture = draw_culture((200, 200), USUAL, rng)
        thickness = draw_thickness(culture, USUAL, rng)
        assert (thickness[culture.numbers == 0] == 0).all()
        flat = [
            thickness[culture.numbers == n] for n, cell in enumerate(culture.members, 1) if not cell.is_round
        ]
        flat_mean = np.concatenate(flat).mean()
        assert flat_mean > 0
        for number, cell in enumerate(culture.members, start=1):
            y, x = round(cell.y), round(cell.x)
            if cell.is_round and min(y, x) > 10 and max(y, x) < 190:
                body = thickness[culture.numbers == number]
                assert body.size == 0 or body.mean() > flat_mean
                n_round += 1
    assert n_round > 5


def test_what_the_instruments_show_has_contrast_in_the_cells_and_hardly_any_beside_them() -> None:
    shares = []
    quiet = replace(USUAL, noise=0.005, shot_noise=0.0, illumination=0.0)
    for seed in range(12):
        made = generate_adherent_cells((200, 200), np.random.default_rng(seed), quiet)
        image = made.image - ndimage.gaussian_filter(made.image.astype(float), 12)
        away = ~ndimage.binary_dilation(made.segments > 0, iterations=8)
        if away.mean() > 0.1:
            shares.append(image[made.segments > 0].std() / image[away].std())
    assert len(shares) > 5
    assert np.median(shares) > 2


def test_debris_is_smaller_than_cells_and_thinner_than_most() -> None:
    for seed in range(12):
        debris = draw_debris((200, 200), 16.0, np.random.default_rng(seed))
        assert debris.shape == (200, 200)
        pieces, n_pieces = ndimage.label(np.abs(debris) > 0.1)
        depths = ndimage.maximum(
            ndimage.distance_transform_edt(pieces > 0), pieces, np.arange(1, n_pieces + 1)
        )
        assert n_pieces == 0 or np.percentile(depths, 90) < 0.5 * 16
        assert np.median(np.abs(debris)) < 0.1
