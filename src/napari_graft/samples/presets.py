"""Ready-made generated images: the embedded samples of the demo and the tutorial, and those to pretrain on.

The embedded samples are generated from a fixed seed, never recorded: an EM-like stack of neuropil and an
image of cells, each with exact truth. Their looks lie at the edge of what `random_look` draws, or beyond
it, so that a model pretrained on random looks has something to learn from a few annotated tiles; scores
reached here say nothing about real tissue. A seed gives the same bits each time, with the same versions of
numpy and scipy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from napari_graft.samples.adherent import generate_adherent_cells
from napari_graft.samples.appearance import Appearance, CellKind, GeneratedImage, random_appearance
from napari_graft.samples.bacteria import generate_bacteria
from napari_graft.samples.cells import generate_cells
from napari_graft.samples.em import generate_neuropil
from napari_graft.samples.myelin import generate_myelin
from napari_graft.samples.tissue import generate_tissue

_NEUROPIL = Appearance(
    radius=14.0,
    size_spread=0.6,
    elongation=2.0,
    stretch=1.5,
    waviness=1.3,
    membrane_width=3.2,
    membrane_contrast=0.3,
    membrane_gaps=0.8,
    cytoplasm_spread=0.07,
    texture=0.13,
    texture_scale=1.6,
    mitochondria=2.4,
    vesicles=2.4,
    microtubules=2.2,
    synapses=2.2,
    blur=1.1,
    noise=0.06,
    shot_noise=0.08,
    illumination=0.12,
    black=0.3,
    white=0.78,
    gamma=1.5,
)

_CELLS = Appearance(
    radius=17.0,
    size_spread=1.0,
    elongation=2.0,
    waviness=1.7,
    membrane_contrast=0.5,
    texture=0.09,
    texture_scale=2.5,
    blur=1.8,
    noise=0.04,
    shot_noise=0.05,
    illumination=0.15,
    black=0.25,
    white=0.8,
    gamma=0.8,
    cell_kind=CellKind.PHASE,
)


def neuropil_sample(seed: int = 0) -> GeneratedImage:
    """Generate the (12, 512, 512) EM-like stack of the demo; the same seed gives the same bits."""
    return generate_neuropil((12, 512, 512), np.random.default_rng(seed), _NEUROPIL)


def cells_sample(seed: int = 0) -> GeneratedImage:
    """Generate the (512, 512) image of phase-contrast-like cells; the same seed gives the same bits."""
    return generate_cells((512, 512), np.random.default_rng(seed), _CELLS)


def generate_training_image(shape: tuple[int, int], rng: np.random.Generator) -> GeneratedImage:
    """Draw kind and look at random and generate a (y, x) image; every second image is neuropil."""
    appearance = random_appearance(rng)
    if rng.random() < 0.5:
        return generate_neuropil(shape, rng, appearance)
    return generate_cells(shape, rng, appearance)


GENERATORS: Mapping[str, Callable[[tuple[int, int], np.random.Generator], GeneratedImage]] = MappingProxyType(
    {
        "any": generate_training_image,
        "adherent-cells": generate_adherent_cells,
        "bacteria": generate_bacteria,
        "myelin": generate_myelin,
        "stained-nuclei": generate_tissue,
    }
)
"""What draws an image to train on, by what it shows."""
