"""Each fault has the mark of its kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, laplace

from napari_graft.imaging.faults.fault import STRONG
from napari_graft.imaging.faults.registry import FAULTS, add_random_faults, record_anew
from napari_graft.imaging.intensity import LARGEST_NORMALISED

FLAT = np.full((200, 240), 0.5, np.float32)
SEEDS = range(5)


def texture(shape: tuple[int, ...] = (200, 240)) -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(0).normal(0, 1, shape), (0,) * (len(shape) - 2) + (2, 2))
    return np.clip(0.5 + 0.15 * noise / noise.std(), 0, 1).astype(np.float32)


def spoil(name: str, image: np.ndarray, seed: int = 0, strength: float = STRONG) -> np.ndarray:
    return FAULTS[name](image, strength, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_vignetting_darkens_the_corners_and_hardly_the_middle(seed: int) -> None:
    light = spoil("vignetting", FLAT, seed) / FLAT
    corners = light[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert light[95:105, 115:125].min() > 0.95
    assert corners.max() < 0.4
    assert corners.mean() == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_uneven_light_is_smooth_and_proportional_to_grey(seed: int) -> None:
    light = spoil("uneven-illumination", FLAT, seed) / FLAT
    assert light.max() == pytest.approx(1)
    assert light.min() == pytest.approx(np.exp(-1.2), rel=1e-3)
    assert np.abs(np.diff(light, axis=0)).max() < 0.03
    np.testing.assert_allclose(spoil("uneven-illumination", FLAT / 2, seed) / FLAT * 2, light, rtol=1e-5)


def test_exposure_makes_what_is_bright_white_or_leaves_few_greys() -> None:
    results = [spoil("exposure", texture(), seed) for seed in range(20)]
    over = [one for one in results if one.max() == 1]
    under = [one for one in results if one.max() < 0.1]
    assert len(over) + len(under) == 20
    assert min(len(over), len(under)) > 2
    assert np.mean(over[0] == 1) > 0.1
    assert len(np.unique(under[0])) <= 17


def test_gamma_keeps_black_white_and_the_order_of_greys() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    curves = [spoil("gamma", ramp, seed)[0] for seed in range(20)]
    assert all(curve[0] == 0 and curve[-1] == 1 and np.all(np.diff(curve) >= 0) for curve in curves)
    assert {round(float(np.log(c[128]) / np.log(ramp[0, 128])), 2) for c in curves} == {2.2, 0.45}


@pytest.mark.parametrize("seed", SEEDS)
def test_debris_is_white_and_leaves_little_grey_for_the_rest(seed: int) -> None:
    spoilt = spoil("bright-debris", FLAT, seed)
    assert spoilt.min() == pytest.approx(0.2)
    assert spoilt.max() == 1
    assert 0.005 < np.mean(spoilt > 0.9) < 0.05


def test_bad_pixels_are_single_and_the_same_in_all_planes() -> None:
    spoilt = spoil("bad-pixels", np.stack([FLAT, FLAT * 0.8]))
    bad = (spoilt == 0) | (spoilt == 1)
    np.testing.assert_array_equal(bad[0], bad[1])
    assert bad[0].mean() == pytest.approx(0.01, rel=0.2)
    assert np.array_equal(spoilt[~bad], np.stack([FLAT, FLAT * 0.8])[~bad])


@pytest.mark.parametrize("name", ["blur", "defocus"])
def test_a_point_spreads_and_its_light_stays(name: str) -> None:
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1
    spread = spoil(name, point)
    assert spread.sum() == pytest.approx(1, rel=1e-4)
    assert spread.max() < 0.06
    assert np.abs(laplace(spoil(name, texture()))).mean() < np.abs(laplace(texture())).mean()


def test_a_point_out_of_focus_is_a_disk_or_a_ring() -> None:
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1
    middles = {float(spoil("defocus", point, seed)[20, 20] > 0) for seed in range(20)}
    assert middles == {0.0, 1.0}
    assert spoil("defocus", point)[20, 26] == 0, "light beyond the disk"


def test_shot_noise_grows_with_the_light_and_read_noise_does_not() -> None:
    dim, bright = (np.full((300, 300), grey, np.float32) for grey in (0.2, 0.6))
    shot = [spoil("shot-noise", one) for one in (dim, bright)]
    read = [spoil("read-noise", one, strength=0.5) for one in (dim, bright)]
    assert shot[1].mean() == pytest.approx(0.6, rel=0.02)
    assert [one.std() for one in shot] == pytest.approx([np.sqrt(0.2 / 25), np.sqrt(0.6 / 25)], rel=0.05)
    assert [one.std() for one in read] == pytest.approx([0.05, 0.05], rel=0.05)


@pytest.mark.parametrize(("name", "along", "across"), [("stripes", 1, 0), ("curtaining", 0, 1)])
def test_stripes_lie_along_rows_and_curtains_along_columns(name: str, along: int, across: int) -> None:
    spoilt = spoil(name, FLAT)
    rough = [np.abs(np.diff(spoilt, axis=axis)).mean() for axis in (along, across)]
    assert rough[0] < 0.2 * rough[1]


def test_each_plane_is_milled_anew() -> None:
    planes = spoil("curtaining", np.stack([FLAT] * 6))
    assert np.corrcoef(planes[0].ravel(), planes[5].ravel())[0, 1] < 0.5


def test_charge_smears_along_the_scan_with_a_halo_of_the_other_sign() -> None:
    changes = [spoil("charging", FLAT, seed) - FLAT for seed in SEEDS]
    for change in changes:
        down, right = (np.abs(np.diff(change, axis=axis)).mean() for axis in (0, 1))
        assert right < 0.5 * down
        assert change.max() > 0.1
        assert change.min() < -0.02


def test_compression_leaves_blocks_of_eight_pixels() -> None:
    steps = np.abs(np.diff(spoil("compression", texture()), axis=1)).mean(axis=0)
    at_edges, inside = steps[7::8].mean(), np.delete(steps, np.s_[7::8]).mean()
    assert at_edges > 1.2 * inside


def test_saturation_makes_both_ends_flat_and_what_lies_between_steeper() -> None:
    image = texture()
    spoilt = spoil("saturation", image)
    assert np.mean(spoilt == 1) > 0.05
    assert np.mean(spoilt == 0) > 0.01
    inside = (spoilt > 0) & (spoilt < 1)
    slope = np.polyfit(image[inside], spoilt[inside], 1)[0]
    assert slope > 1.3


def test_polarity_is_reversed_at_any_strength() -> None:
    np.testing.assert_allclose(spoil("polarity", texture(), strength=0.1), 1 - texture())


def test_random_faults_differ_and_can_be_drawn_again() -> None:
    image = texture((64, 64))
    drawn = [add_random_faults(image, np.random.default_rng(seed)) for seed in range(30)]
    assert len({one.tobytes() for one in drawn}) == 30
    assert all(np.any(one != image) for one in drawn)
    np.testing.assert_array_equal(drawn[3], add_random_faults(image, np.random.default_rng(3)))


@pytest.mark.parametrize("shape", [(40, 50), (5, 40, 50)])
def test_the_range_is_measured_on_the_image_with_its_fault(shape: tuple[int, ...]) -> None:
    image = (2 * texture(shape) - 1).astype(np.float32)
    image = record_anew(image, lambda grey: grey)

    darker = record_anew(image, lambda grey: grey / 10 + 0.3)

    np.testing.assert_allclose(darker, image, atol=1e-3)
    np.testing.assert_allclose(np.percentile(image, (0.5, 99.5)), (-1, 1), atol=1e-3)


def test_faults_see_grey_from_black_to_white() -> None:
    seen = []

    def look(grey: np.ndarray) -> np.ndarray:
        seen.append(grey)
        return grey

    record_anew(LARGEST_NORMALISED * np.array([[-1, 0, 1]], np.float32), look)
    np.testing.assert_allclose(seen[0], [[0, 0.5, 1]])


def test_a_blank_plane_stays_blank() -> None:
    blank = np.full((8, 8), -1.5, np.float32)
    changes: list[Callable[[np.ndarray], np.ndarray]] = [lambda grey: grey, lambda grey: 1 - grey]
    for change in changes:
        np.testing.assert_array_equal(record_anew(blank, change), blank)
