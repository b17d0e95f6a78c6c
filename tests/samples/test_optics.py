from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from napari_graft.samples.optics import bright_field, interference_contrast, phase_contrast

Instrument = Callable[[np.ndarray], np.ndarray]
INSTRUMENTS = [
    partial(phase_contrast, ring=6.0, attenuation=0.6),
    partial(interference_contrast, shear=2.0, angle=0.4),
    partial(bright_field, defocus=30.0),
]


def disc(phase: float, radius: float = 10.0) -> np.ndarray:
    rows, columns = np.mgrid[:96, :96] - 48
    return np.asarray(phase * (np.hypot(rows, columns) < radius), np.float32)


@pytest.mark.parametrize("look", INSTRUMENTS)
@pytest.mark.parametrize("phase", [0.0, 1.3])
def test_what_is_thick_alike_everywhere_looks_like_nothing_in_the_light(
    look: Instrument, phase: float
) -> None:
    np.testing.assert_allclose(look(np.full((40, 50), phase, np.float32)), 1, atol=1e-5)


def test_a_thin_disc_is_dark_in_phase_contrast_by_what_its_phase_says() -> None:
    shown = phase_contrast(disc(0.2, 3.0), ring=15.0, attenuation=0.8)
    assert shown[48, 48] == pytest.approx((1 - 0.2 / 0.8) ** 2, abs=0.04)


def test_a_disc_in_phase_contrast_has_a_bright_halo_and_shades_off_inside() -> None:
    shown = phase_contrast(disc(0.3), ring=5.0, attenuation=0.7)
    assert shown[48, 36] > 1.1  # just outside
    assert shown[48, 40] < 0.8  # just inside
    assert shown[48, 40] < shown[48, 48] - 0.1
    assert shown[48, 5] == pytest.approx(1, abs=0.01)


def test_a_thick_body_is_bright_in_phase_contrast() -> None:
    shown = phase_contrast(disc(np.pi), ring=15.0, attenuation=0.6)
    assert shown[48, 48] > 2


def test_interference_contrast_shows_the_slope_along_its_direction() -> None:
    ramp = np.tile(0.1 * np.arange(40, dtype=np.float32), (40, 1))
    np.testing.assert_allclose(interference_contrast(ramp, 2.0, 0.0), 1 + np.sin(0.2), atol=1e-5)
    np.testing.assert_allclose(interference_contrast(ramp, 2.0, np.pi), 1 - np.sin(0.2), atol=1e-5)
    np.testing.assert_allclose(interference_contrast(ramp, 2.0, np.pi / 2), 1, atol=1e-5)


def test_a_transparent_specimen_is_invisible_in_focus_and_loses_no_light_out_of_it() -> None:
    np.testing.assert_allclose(bright_field(disc(0.8), 0.0), 1, atol=1e-5)
    shown = bright_field(disc(0.8), 40.0)
    assert shown.std() > 0.05
    assert shown.mean() == pytest.approx(1, abs=0.01)


def test_the_two_sides_of_focus_have_opposite_signs() -> None:
    rows, columns = np.mgrid[:96, :96] - 48
    lens = np.asarray(0.1 * np.exp(-(rows**2 + columns**2) / 128), np.float32)
    before, after = bright_field(lens, -10.0), bright_field(lens, 10.0)
    np.testing.assert_allclose(before - 1, 1 - after, atol=0.003)
    # by the transport of intensity (Teague 1983), -defocus / (2 pi) times the Laplacian: 4 / 128 * 0.1 there
    assert abs(after[48, 48] - 1) == pytest.approx(10 / (2 * np.pi) * 4 / 128 * 0.1, rel=0.1)
    assert after[48, 48] > 1
