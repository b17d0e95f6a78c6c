from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_graft.samples.adherent import generate_adherent_cells
from napari_graft.samples.appearance import Appearance, CellKind, GeneratedImage, random_appearance
from napari_graft.samples.bacteria import generate_bacteria
from napari_graft.samples.cells import generate_cells
from napari_graft.samples.em import generate_neuropil
from napari_graft.samples.myelin import generate_myelin
from napari_graft.samples.nuclei import lay_out_smear, lay_out_tissue
from napari_graft.samples.presets import generate_training_image
from napari_graft.samples.rods import draw_rods
from napari_graft.samples.tissue import generate_tissue

Generator = Callable[[tuple[int, int], np.random.Generator], GeneratedImage]
GENERATORS = [
    generate_neuropil,
    generate_cells,
    generate_training_image,
    generate_adherent_cells,
    generate_bacteria,
    generate_myelin,
    generate_tissue,
]


def assert_truth_holds(segments: np.ndarray) -> None:
    """Dense ids; in each slice an id is one 4-connected piece and never has another beside it."""
    assert segments.dtype == np.uint32
    ids = np.unique(segments)
    np.testing.assert_array_equal(ids[ids > 0], np.arange(1, segments.max() + 1))
    for plane in segments.reshape(-1, *segments.shape[-2:]):
        for first, second in ((plane[1:], plane[:-1]), (plane[:, 1:], plane[:, :-1])):
            assert not ((first != second) & (first > 0) & (second > 0)).any()
        assert ndimage.label(plane > 0)[1] == len(np.unique(plane[plane > 0]))


@pytest.mark.parametrize("generate", GENERATORS)
def test_the_same_seed_gives_the_same_bits(generate: Generator) -> None:
    first, second, other = (generate((96, 80), np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.segments, second.segments)
    assert (first.image != other.image).any()


@pytest.mark.parametrize("generate", GENERATORS)
def test_many_random_draws_have_contrast_objects_and_true_truth(generate: Generator) -> None:
    for seed in range(30):
        generated = generate((128, 112), np.random.default_rng(seed))
        assert generated.image.dtype == np.uint8
        assert generated.image.shape == generated.segments.shape == (128, 112)
        assert np.ptp(np.percentile(generated.image, (1, 99))) > 8, seed
        assert 0 < (generated.segments > 0).mean() < 1, seed
        assert_truth_holds(generated.segments)


def test_slices_of_a_stack_follow_each_other() -> None:
    generated = generate_neuropil((4, 128, 128), np.random.default_rng(0), Appearance())
    assert_truth_holds(generated.segments)
    inside = (generated.segments[1:] > 0) & (generated.segments[:-1] > 0)
    is_same = generated.segments[1:] == generated.segments[:-1]
    assert is_same[inside].mean() > 0.8
    assert (generated.segments[0] != generated.segments[3]).any()


def test_membranes_are_dark_and_inversion_makes_them_bright() -> None:
    appearance = replace(Appearance(), noise=0.01, shot_noise=0.0, mitochondria=0.0, vesicles=0.0)
    normal = generate_neuropil((128, 128), np.random.default_rng(3), appearance)
    inverted = generate_neuropil((128, 128), np.random.default_rng(3), replace(appearance, inverted=True))
    np.testing.assert_array_equal(normal.segments, inverted.segments)
    is_cell = normal.segments > 0
    assert normal.image[is_cell].mean() > normal.image[~is_cell].mean() + 20
    assert inverted.image[is_cell].mean() < inverted.image[~is_cell].mean() - 20


def test_myelin_belongs_to_the_background() -> None:
    plain, myelinated = (
        generate_neuropil((160, 160), np.random.default_rng(2), replace(Appearance(), myelin=share))
        for share in (0.0, 1.0)
    )
    assert (myelinated.segments > 0).mean() < 0.8 * (plain.segments > 0).mean()


@pytest.mark.parametrize(
    ("kind", "is_brighter"),
    [(CellKind.FLUORESCENCE, True), (CellKind.STAINED, False), (CellKind.ORGANELLES, False)],
)
def test_objects_differ_from_the_ground_as_their_kind_does(kind: CellKind, is_brighter: bool) -> None:
    generated = generate_cells((160, 160), np.random.default_rng(4), replace(Appearance(), cell_kind=kind))
    is_object = generated.segments > 0
    difference = float(generated.image[is_object].mean()) - float(generated.image[~is_object].mean())
    assert (difference > 15) if is_brighter else (difference < -15)


def test_training_images_are_of_both_kinds_about_half_each() -> None:
    covered = [
        (generate_training_image((64, 64), np.random.default_rng(seed)).segments > 0).mean()
        for seed in range(60)
    ]
    assert 10 < sum(share > 0.55 for share in covered) < 50


def test_random_looks_have_both_polarities_and_every_kind_of_cell() -> None:
    rng = np.random.default_rng(0)
    appearances = [random_appearance(rng) for _ in range(200)]
    assert {appearance.inverted for appearance in appearances} == {False, True}
    assert {appearance.cell_kind for appearance in appearances} == set(CellKind)
    assert all(appearance.white - appearance.black >= 0.35 for appearance in appearances)


def test_rods_are_about_as_large_as_the_radius_says_and_of_one_width() -> None:
    appearance = replace(Appearance(), radius=12.0)
    for seed in range(5):
        rods = draw_rods((400, 400), appearance, np.random.default_rng(seed))
        inner = np.setdiff1d(
            np.unique(rods), np.concatenate([rods[[0, -1]].ravel(), rods[:, [0, -1]].ravel()])
        )
        areas = [(rods == number).sum() for number in inner]
        widths = [2 * ndimage.distance_transform_edt(rods == number).max() for number in inner]
        assert np.sqrt(np.median(areas) / np.pi) == pytest.approx(12.0, rel=0.35)
        assert np.std(widths) < 0.25 * np.mean(widths)


def test_axons_lie_inside_sheaths_that_are_darker() -> None:
    appearance = replace(Appearance(), noise=0.01, texture=0.01)
    for seed in range(5):
        made = generate_myelin((200, 200), np.random.default_rng(seed), appearance)
        is_axon = made.segments > 0
        around = ndimage.binary_dilation(is_axon, iterations=3) & ~ndimage.binary_dilation(is_axon)
        assert made.image[is_axon].mean() > made.image[around].mean() + 20


def test_stained_nuclei_are_darker_than_what_lies_around_them() -> None:
    appearance = replace(Appearance(), noise=0.01, texture=0.01)
    for seed in range(8):
        made = generate_tissue((200, 200), np.random.default_rng(seed), appearance)
        is_nucleus = made.segments > 0
        around = ndimage.binary_dilation(is_nucleus, iterations=4) & ~ndimage.binary_dilation(
            is_nucleus, iterations=2
        )
        assert made.image[is_nucleus].mean() < made.image[around].mean() - 15, seed


def test_nuclei_are_about_as_large_as_the_radius_says() -> None:
    appearance = replace(Appearance(), radius=12.0)
    for lay_out in (lay_out_tissue, lay_out_smear):
        layouts = [lay_out((300, 300), appearance, np.random.default_rng(seed)) for seed in range(8)]
        radii = [np.sqrt(one.short * one.long) for layout in layouts for one in layout.nuclei]
        assert np.percentile(radii, 75) == pytest.approx(12.0, rel=0.35)


def test_nuclei_overlap_little_and_none_of_a_tissue_lies_where_nothing_is() -> None:
    for seed in range(8):
        layout = lay_out_tissue((200, 200), replace(Appearance(), radius=9.0), np.random.default_rng(seed))
        assert not layout.cells
        for number, one in enumerate(layout.nuclei):
            others = layout.nuclei[:number]
            assert all(one.distance(np.array(other.y), np.array(other.x)) > 0.7 for other in others)


def test_a_smear_has_wide_cells_with_nuclei_in_them() -> None:
    appearance = replace(Appearance(), radius=8.0)
    layouts = [lay_out_smear((300, 300), appearance, np.random.default_rng(seed)) for seed in range(8)]
    cells = [one for layout in layouts for one in layout.cells]
    assert np.median([one.long for one in cells]) > 2.5 * appearance.radius
    with_nucleus = [
        any(cell.distance(np.array(one.y), np.array(one.x)) < 1 for one in layout.nuclei)
        for layout in layouts
        for cell in layout.cells
    ]
    assert np.mean(with_nucleus) > 0.7
