"""Generated images of every kind and appearance, to pretrain the common ancestor of all sources."""

from __future__ import annotations

import numpy as np

from napari_graft.samples.cells import generate_cells
from napari_graft.samples.em import generate_neuropil
from napari_graft.samples.generated import GeneratedImage
from napari_graft.samples.look import random_appearance


def generate_training_image(shape: tuple[int, int], rng: np.random.Generator) -> GeneratedImage:
    """Draw kind and look at random and generate a (y, x) image; every second image is neuropil."""
    appearance = random_appearance(rng)
    if rng.random() < 0.5:
        return generate_neuropil(shape, rng, appearance)
    return generate_cells(shape, rng, appearance)
