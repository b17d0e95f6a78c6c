"""Random views of unlabelled images, with the place that each pixel of them comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.training.patches import (
    Augmentation,
    change_intensity,
    random_transform,
    read_patch,
    sampling_grid,
)

Images = Sequence[NDArray[np.float32]]

_APART = 0.25
"""How far the centres of two views of one place lie from it at most, in lengths of the patch."""


@dataclass(frozen=True, slots=True)
class PatchView:
    """A batch of patches.

    Parameters
    ----------
    image
        Normalised grey values, float32, shape (N, 1, *patch).
    position
        Where in its image each pixel is read, in pixels, shape (N, *patch, ndim).
    """

    image: torch.Tensor
    position: torch.Tensor


class UnlabelledImages:
    """Unlabelled images on the grid of a model, of which patches are drawn.

    Parameters
    ----------
    images
        Normalised grey images, float32, (y, x) or (z, y, x).
    patch
        Shape of a patch.
    augmentation
        How far patches are changed.

    Raises
    ------
    InputError
        If there is no image.
    """

    def __init__(self, images: Images, patch: tuple[int, ...], augmentation: Augmentation) -> None:
        if not images:
            raise InputError("there is no image to prepare on: give at least one")
        self._images = [torch.from_numpy(np.ascontiguousarray(image)) for image in images]
        sizes = np.array([image.size for image in images], np.float64)
        self._shares = sizes / sizes.sum()
        self._patch = patch
        self._augmentation = augmentation

    def draw(
        self, batch_size: int, n_views: int, rng: np.random.Generator, device: torch.device
    ) -> list[PatchView]:
        """Return views of the same random places, each moved, turned and changed in its own way."""
        drawn: list[list[tuple[torch.Tensor, torch.Tensor]]] = [[] for _ in range(n_views)]
        for index in rng.choice(len(self._images), batch_size, p=self._shares):
            # Only what is in use lies on the device: many images would take its memory.
            image = self._images[int(index)].to(device)
            place = self._place(image.shape, rng)
            for patches in drawn:
                patches.append(self._draw_one(image, place, n_views > 1, rng))
        return [
            PatchView(torch.stack([a for a, _ in patches])[:, None], torch.stack([b for _, b in patches]))
            for patches in drawn
        ]

    def _place(self, shape: Sequence[int], rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw a centre that keeps the patch inside the image, where the image is that large."""
        size, half = np.array(shape, np.float64), np.array(self._patch) / 2
        low = np.minimum(half, size / 2)
        return rng.uniform(low, size - low) - 0.5

    def _draw_one(
        self, image: torch.Tensor, place: NDArray[np.float64], is_moved: bool, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        apart = _APART * np.array(self._patch) if is_moved else np.zeros(len(self._patch))
        centre = place + rng.uniform(-apart, apart)
        transform = random_transform(len(self._patch), self._augmentation, rng)
        grid = sampling_grid(centre.tolist(), transform, self._patch, None, image.device)
        patch = read_patch(image, grid, nearest=False)
        return change_intensity(patch, self._augmentation, rng), grid
