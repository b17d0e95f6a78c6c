"""Decoding against the mutex watershed on pixels, and against the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from bioimage_cpp.segmentation import mutex_watershed
from tests.segmentation.affinity_maps import OFFSETS, OFFSETS_3D, cells, probabilities

from napari_graft.core.errors import InputError
from napari_graft.metrics import evaluate
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def decode_by_pixels(
    foreground: np.ndarray, affinities: np.ndarray, offsets: tuple, settings: DecodeSettings, stride: int
) -> np.ndarray:
    """Solve the mutex watershed on pixels, with each `stride`-th repulsion; drop small segments."""
    n_axes = foreground.ndim
    weights = affinities.copy()
    weights[n_axes:] = 1 - weights[n_axes:]
    weights[:n_axes] += settings.attraction_bias
    segments = mutex_watershed(
        weights,
        offsets,
        n_axes,
        strides=(stride,) * n_axes,
        mask=foreground > settings.foreground_threshold,
    )
    is_core = foreground > settings.core_threshold
    return np.where(
        np.bincount(segments[is_core], minlength=segments.max() + 1)[segments] >= settings.min_size,
        segments,
        0,
    )


@pytest.mark.parametrize(
    ("shape", "n_cells", "offsets"), [((96, 80), 20, OFFSETS), ((16, 48, 48), 15, OFFSETS_3D)]
)
def test_perfect_affinities_give_back_the_objects(shape: tuple, n_cells: int, offsets: tuple) -> None:
    truth = cells(shape, n_cells, np.random.default_rng(0))
    _, affinities = probabilities(truth, offsets, np.random.default_rng(0), noise=0.0)
    sharp = DecodeSettings(min_size=1)
    found = decode((truth > 0).astype(np.float32), np.round(affinities), offsets, sharp)
    assert evaluate(found, truth).vi < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_decoding_agrees_with_the_mutex_watershed_on_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = cells((256, 256), 60, rng)
    foreground, affinities = probabilities(truth, OFFSETS, rng)
    settings = DecodeSettings()
    found = decode(foreground, affinities, OFFSETS, settings)
    by_pixels = decode_by_pixels(foreground, affinities, OFFSETS, settings, stride=1)
    by_few_pixels = decode_by_pixels(foreground, affinities, OFFSETS, settings, stride=8)
    vi = evaluate(found, truth).vi
    assert vi <= evaluate(by_pixels, truth).vi
    assert vi <= evaluate(by_few_pixels, truth).vi + 0.05
    assert evaluate(found, by_few_pixels).vi < 0.35


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "index"),
    [
        ("isbi2012_vnc_sstem/labels_instances.tif", 0),
        ("mouse_ca1_fibsem/labels_instances.tif", 0),
        ("phase_t98g_usiigaci/labels_instances_00.tif", None),
    ],
)
def test_decoding_of_real_objects_is_no_worse_than_the_mutex_watershed_on_pixels(
    file: str, index: int | None
) -> None:
    path = DATA / file
    if not path.exists():
        pytest.skip("needs the real images in ../shared/data")
    labels = tifffile.imread(path)
    truth = (labels if index is None else labels[index])[:320, :320]
    foreground, affinities = probabilities(truth, OFFSETS, np.random.default_rng(0))
    settings = DecodeSettings()
    found = evaluate(decode(foreground, affinities, OFFSETS, settings), truth)
    by_pixels = evaluate(decode_by_pixels(foreground, affinities, OFFSETS, settings, stride=1), truth)
    assert found.vi <= by_pixels.vi + 0.01


def test_a_gap_in_a_membrane_does_not_join_two_cells() -> None:
    truth = np.ones((64, 64), int)
    truth[:, 31:33] = 0
    truth[:, 33:] = 2
    foreground, affinities = probabilities(truth, OFFSETS, np.random.default_rng(0), noise=0.0)
    foreground[20:24], affinities[:4, 20:24] = 0.9, 0.9
    found = decode(foreground, affinities, OFFSETS, DecodeSettings())
    assert found[22, 5] != found[22, 60]
    assert found.max() == 2


def test_segments_are_consecutive_and_large_enough() -> None:
    rng = np.random.default_rng(3)
    foreground, affinities = probabilities(cells((128, 128), 40, rng), OFFSETS, rng, noise=2.0)
    settings = DecodeSettings(min_size=40)
    found = decode(foreground, affinities, OFFSETS, settings)
    core_sizes = np.bincount(found[foreground > settings.core_threshold], minlength=found.max() + 1)
    assert found.dtype == np.uint32
    assert set(np.unique(found)) == set(range(found.max() + 1))
    assert core_sizes[1:].min() >= 40
    assert not found[foreground <= settings.foreground_threshold].any()


def test_decoding_leaves_its_arguments_alone_and_gives_the_same_twice() -> None:
    rng = np.random.default_rng(4)
    foreground, affinities = probabilities(cells((64, 64), 10, rng), OFFSETS, rng)
    before = foreground.copy(), affinities.copy()
    first = decode(foreground, affinities, OFFSETS, DecodeSettings())
    np.testing.assert_array_equal(first, decode(foreground, affinities, OFFSETS, DecodeSettings()))
    np.testing.assert_array_equal(foreground, before[0])
    np.testing.assert_array_equal(affinities, before[1])


def test_a_greater_bias_joins_more() -> None:
    rng = np.random.default_rng(5)
    foreground, affinities = probabilities(cells((128, 128), 40, rng), OFFSETS, rng, noise=2.0)
    counts = [
        decode(foreground, affinities, OFFSETS, DecodeSettings(0.5, bias)).max() for bias in (-0.6, 0.0, 0.6)
    ]
    assert counts[0] > counts[1] > counts[2]


def test_an_object_reaches_into_doubtful_foreground_but_none_is_born_there() -> None:
    foreground = np.full((30, 60), 0.4, np.float32)
    foreground[10:20, 10:20] = 0.9
    foreground[:, 30:34] = 0
    affinities = np.full((len(OFFSETS), 30, 60), 0.95, np.float32)
    found = decode(foreground, affinities, OFFSETS, DecodeSettings(foreground_threshold=0.3))
    assert (found[:, :30] == 1).all()
    assert not found[:, 30:].any()


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (2, 3, 4)])
def test_images_smaller_than_the_offsets_are_decoded(shape: tuple, value: float) -> None:
    offsets = OFFSETS if len(shape) == 2 else OFFSETS_3D
    foreground = np.full(shape, value, np.float32)
    affinities = np.ones((len(offsets), *shape), np.float32)
    found = decode(foreground, affinities, offsets, DecodeSettings(min_size=1))
    np.testing.assert_array_equal(found, np.full(shape, value))


def test_offsets_of_either_sign_and_any_order_mean_the_same() -> None:
    rng = np.random.default_rng(6)
    truth = cells((64, 64), 10, rng)
    turned = ((0, 1), (1, 0), *OFFSETS[2:])
    foreground, _ = probabilities(truth, OFFSETS, np.random.default_rng(0), noise=0.0)
    found = decode(
        foreground, probabilities(truth, turned, np.random.default_rng(0), 0.0)[1], turned, DecodeSettings()
    )
    assert evaluate(found, truth).ap50 == 1


@pytest.mark.parametrize(
    ("shape", "channels", "offsets", "said"),
    [
        ((8,), (10, 8), OFFSETS, r"\(8,\)"),
        ((8, 8), (9, 8, 8), OFFSETS, r"\(9, 8, 8\).*\(10, 8, 8\)"),
        ((8, 8), (10, 8, 8), OFFSETS[::-1], "nearest"),
        ((8, 8), (2, 8, 8), OFFSETS[:2], "longer offset"),
    ],
)
def test_what_does_not_fit_is_refused(shape: tuple, channels: tuple, offsets: tuple, said: str) -> None:
    with pytest.raises(InputError, match=said):
        decode(np.ones(shape, np.float32), np.ones(channels, np.float32), offsets, DecodeSettings())


@pytest.mark.parametrize(
    "values",
    [
        {"foreground_threshold": 1.5},
        {"core_threshold": -0.1},
        {"attraction_bias": 2.0},
        {"min_size": -1},
    ],
)
def test_settings_outside_their_range_are_refused(values: dict) -> None:
    with pytest.raises(InputError, match=str(next(iter(values.values())))):
        DecodeSettings(**values)
