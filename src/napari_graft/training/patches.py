"""Random augmented patches from the examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.labels import UNLABELLED
from napari_graft.training.augment import (
    Augmentation,
    change_intensity,
    random_transform,
    read_patch,
    sampling_grid,
)
from napari_graft.training.examples import Example, labelled_box

_ELASTIC_NODES = 5


@dataclass(frozen=True, slots=True)
class Batch:
    """Patches: `image` (N, 1, *patch) float32 and `annotation` (N, *patch) int32."""

    image: torch.Tensor
    annotation: torch.Tensor


@dataclass(slots=True)
class PatchSampler:
    """Sampler of batches of augmented patches around labelled pixels.

    Parameters
    ----------
    examples
        At least one of them holds labelled pixels to train on.
    patch
        Shape of a patch.
    batch_size
        Number of patches.
    device
        Where the patches are cut and changed.
    augmentation
        How far they are changed.
    """

    examples: Sequence[Example]
    patch: tuple[int, ...]
    batch_size: int
    device: torch.device
    augmentation: Augmentation = field(default_factory=Augmentation)
    _images: list[torch.Tensor] = field(init=False)
    _labels: list[torch.Tensor] = field(init=False)
    _boxes: list[NDArray[np.int64]] = field(init=False)
    _shares: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        n_labelled = np.array([np.count_nonzero(e.train != UNLABELLED) for e in self.examples], float)
        if not n_labelled.sum():
            raise InputError("nothing to learn from: no tile holds labelled pixels; paint one first")
        used = [e for e, n in zip(self.examples, n_labelled, strict=True) if n]
        self._shares = n_labelled[n_labelled > 0] / n_labelled.sum()
        self._images = [torch.from_numpy(e.image).to(self.device) for e in used]
        # Copies of an image share their labels. grid_sample reads floats; ids stay exact below 2**24.
        labels = {id(e.train): torch.from_numpy(e.train.astype(np.float32)).to(self.device) for e in used}
        self._labels = [labels[id(e.train)] for e in used]
        self._boxes = [_ends_of_labels(e.train) for e in used]

    def draw(self, rng: np.random.Generator) -> Batch:
        """Return the next batch, drawn from `rng` alone."""
        images, labels = [], []
        for index in rng.choice(len(self._images), self.batch_size, p=self._shares):
            image, label = self._draw_one(int(index), rng)
            images.append(change_intensity(image, self.augmentation, rng))
            labels.append(label)
        return Batch(torch.stack(images)[:, None], torch.stack(labels))

    def _draw_one(self, index: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        low, high = self._boxes[index]
        # Keep most of the patch on labelled ground: its centre stays a quarter patch inside where it can.
        margin = np.minimum((high - low) / 2 - 0.5, np.array(self.patch) / 4)
        centre = rng.uniform(low + margin, high - 1 - margin)
        ndim = len(self.patch)
        if ndim == 3:
            centre[0] = _between_planes(centre[0], self.patch[0])
        transform = random_transform(ndim, self.augmentation, rng)
        grid = sampling_grid(centre, transform, self.patch, self._elastic(ndim, rng), self.device)
        image = read_patch(self._images[index], grid, nearest=False)
        return image, read_patch(self._labels[index], grid, nearest=True).to(torch.int32)

    def _elastic(self, ndim: int, rng: np.random.Generator) -> torch.Tensor | None:
        if not self.augmentation.elastic or rng.random() < 0.5:
            return None
        amount = rng.uniform(0, self.augmentation.elastic)
        nodes = rng.normal(0, amount / 2, (1, ndim, *(_ELASTIC_NODES,) * ndim)).astype(np.float32)
        if ndim == 3:
            nodes[:, 0] = 0  # slices keep their order
        return torch.from_numpy(nodes).to(self.device)


def _between_planes(centre: float, depth: int) -> float:
    """Move a centre along z to where each slice of a patch is one slice of the image.

    Labels are read from the nearest slice. Halfway between two, a single painted slice would come twice, and
    be joined to itself along z, or not at all.
    """
    middle = (depth - 1) / 2
    return round(centre - middle) + middle


def _ends_of_labels(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    box = labelled_box(labels)
    return np.array([[side.start for side in box], [side.stop for side in box]])
