"""What is found does not depend on how an image is cut into blocks and windows."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from bright_regions import read_all
from numpy.typing import NDArray

from napari_graft.blockwise import SegmentOptions, segment_volume
from napari_graft.core.axes import Axes
from napari_graft.imaging.intensity import estimate_intensity_range
from napari_graft.inference import predictor as predictor_module
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io.volume import Volume
from napari_graft.metrics import evaluate
from napari_graft.nets.build import load_network
from napari_graft.samples.appearance import Appearance
from napari_graft.samples.cells import generate_cells
from napari_graft.session.models import decode_settings
from napari_graft.sources.catalogue import Catalogue

DATA = Path(__file__).parents[3] / "shared" / "data"
MOST_VI = 0.02
SOURCE = "nuclei-fluorescence-all"


def find_in_blocks(
    image: NDArray[np.generic], diameter: float, length: int, out: Path
) -> NDArray[np.integer]:
    source = Catalogue().get(SOURCE)
    volume = Volume(image, Axes(("y", "x")))
    intensity = estimate_intensity_range(volume, np.random.default_rng(0))
    view = ModelView(volume, intensity, source.card.spec, diameter)
    predictor = Predictor(load_network(source.card.spec, source.load_weights()), torch.device("cpu"))
    options = SegmentOptions(block=(length, length))
    segment_volume(predictor, view, decode_settings(source.card.decode), out, options=options)
    return read_all(out)


def worst_vi(found: list[NDArray[np.integer]]) -> float:
    assert all(one.max() > 20 for one in found)
    return max(evaluate(one, other).vi for one, other in combinations(found, 2))


@pytest.mark.parametrize("diameter", [19.0, 77.0])
def test_generated_images_give_the_same_objects_in_blocks_of_any_length(
    tmp_path: Path, diameter: float
) -> None:
    appearance = Appearance(radius=diameter / 2, size_spread=0.3, noise=0.03)
    length = round(24 * diameter)
    image = generate_cells((length, length + 7), np.random.default_rng(1), appearance).image
    lengths = [length // 4 + 3, length // 2, length + 7]
    found = [find_in_blocks(image, diameter, n, tmp_path / f"{n}.tif") for n in lengths]
    assert worst_vi(found) < MOST_VI


def test_windows_within_a_block_give_the_same_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = generate_cells((500, 611), np.random.default_rng(2), Appearance(radius=12.0, noise=0.03)).image
    found = []
    for length in (400, 512, 704):
        monkeypatch.setitem(predictor_module.WINDOW, 2, (length, length))
        found.append(find_in_blocks(image, 24.0, 1024, tmp_path / f"{length}.tif"))
    assert worst_vi(found) < MOST_VI


def mosaic(folder: str, n_across: int) -> NDArray[np.generic]:
    """Lay the images of a set side by side until they cover 2048 × 2048 pixels."""
    images = [image for path in sorted((DATA / folder).glob("image*.tif")) for image in _planes(path)]
    height, width = images[0].shape
    n_down = -(-2048 // height)
    rows = [
        np.hstack([images[(row * n_across + i) % len(images)] for i in range(n_across)])
        for row in range(n_down)
    ]
    return np.vstack(rows)[:2048, : max(2048, width)]


def _planes(path: Path) -> list[NDArray[np.generic]]:
    pixels = tifffile.imread(path)
    return list(pixels.reshape(-1, *pixels.shape[-2:]))


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the labelled images are not there")
@pytest.mark.parametrize(
    ("folder", "n_across", "diameter"),
    [
        ("nuclei_nih3t3_uneven", 2, 72.0),
        ("nuclei_u2os_coelho", 2, 100.0),
        ("dsb2018_fly_embryo", 2, 26.0),
        ("dsb2018_fluo_520", 3, 24.0),
    ],
)
def test_real_mosaics_give_the_same_objects_in_blocks_of_any_length(
    tmp_path: Path, folder: str, n_across: int, diameter: float
) -> None:
    image = mosaic(folder, n_across)
    found = [find_in_blocks(image, diameter, n, tmp_path / f"{n}.tif") for n in (256, 512, 1024, 2048)]
    worst = worst_vi(found)
    print(f"{folder}: {found[-1].max()} objects, largest VI {worst:.4f}")
    assert worst < MOST_VI
