"""The shipped 3-D sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.predictor import Predictor
from napari_graft.segmentation.decode import decode
from napari_graft.session.models import model_of_source
from napari_graft.sources.catalogue import Catalogue, default_folders
from napari_graft.sources.source import Source

SOURCES = {source.id: source for source in Catalogue().sources() if source.card.spec.ndim == 3}
LARGEST = 3_000_000
"""Bytes of the weights of a source."""


def test_there_are_3d_sources_of_three_kinds_and_one_is_for_research_only() -> None:
    expected = {"fly-medulla-fibsem-3d": False, "mouse-embryo-nuclei-3d": False}
    if any(origin == "repository" for _, origin in default_folders()):  # not where it is installed
        expected["plant-ovule-cells-3d"] = True
    assert {name: source.card.research_only for name, source in SOURCES.items()} == expected


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_3d_source_has_a_complete_card_and_is_small(source: Source) -> None:
    card = source.card
    assert all((card.title, card.species, card.instrument, card.license, card.citation, card.data_origin))
    assert card.training.datasets
    assert card.training.image_sha256s
    assert {"vi", "ap50", "dice"} <= card.validation.keys()
    assert {"foreground_threshold", "min_size"} <= card.decode.keys()
    assert (Path(source.path) / "weights.safetensors").stat().st_size < LARGEST
    assert Catalogue().get(card.id.removesuffix("-3d")).card.training.datasets == card.training.datasets


def test_a_shipped_3d_source_links_nuclei_over_the_slices_of_a_volume() -> None:
    z, y, x = np.mgrid[:32, :64, :96]
    centres = [(12, 20, 20), (16, 40, 48), (20, 24, 76)]
    distance = np.stack([(z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2 for a, b, c in centres])
    bright = gaussian_filter((distance < 8**2).any(0).astype(np.float32), 1.5)
    noise = np.random.default_rng(0).normal(0, 0.03, bright.shape)
    image = IntensityRange(0, 1).normalise((bright + noise).astype(np.float32))
    model = model_of_source(SOURCES["mouse-embryo-nuclei-3d"])

    answer = Predictor(model.network, torch.device("cpu")).predict_array(image)
    segments = decode(answer[0], answer[1:], model.spec.offsets, model.decode)

    ids = []
    for a, b, c in centres:
        through = segments[a - 5 : a + 6, b, c]
        assert np.unique(through).size == 1
        ids.append(int(through[0]))
    assert 0 not in ids
    assert len(set(ids)) == len(ids)
    assert segments[Tile((0, 56, 0), (32, 8, 8)).slices].max() == 0
