"""Random patches of pairs and target; both images of a pair are cut, turned and mirrored together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from napari_graft.bridging.pairs import Image, Pair
from napari_graft.training.patches import Augmentation, change_intensity, random_transform, read_patch
from napari_graft.training.patches import sampling_grid as grid_of

_GEOMETRY = Augmentation(scale=0.1, shear=0.0, elastic=0.0)
_COLOUR = Augmentation(contrast=0.1, brightness=0.05, gamma=0.1, noise=0.04, blur=0.6)


class PairSampler:
    """Sampler of patches of pairs.

    Parameters
    ----------
    pairs
        Larger ones are drawn from more often.
    patch
        Shape of a patch.
    device
        Where the patches are.
    """

    def __init__(self, pairs: Sequence[Pair], patch: tuple[int, ...], device: torch.device) -> None:
        self._patch, self._device = patch, device
        self._pairs = [tuple(_tensor(one, device) for one in (p.target, p.source)) for p in pairs]
        sizes = np.array([pair.target.size for pair in pairs], float)
        self._shares = sizes / sizes.sum()

    def draw(self, n: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return `n` patches in the modality of the target and the same of the source, (n, 1, *patch)."""
        targets, sources = [], []
        for index in rng.choice(len(self._pairs), n, p=self._shares):
            target, source = self._pairs[int(index)]
            grid = _random_grid(target.shape, self._patch, self._device, rng)
            targets.append(read_patch(target, grid, nearest=False))
            sources.append(read_patch(source, grid, nearest=False))
        return torch.stack(targets)[:, None], torch.stack(sources)[:, None]


class TargetSampler:
    """Sampler of patches of the user's image; see `PairSampler`."""

    def __init__(self, images: Sequence[Image], patch: tuple[int, ...], device: torch.device) -> None:
        self._patch, self._device = patch, device
        self._images = [_tensor(image, device) for image in images]

    def draw(self, n: int, rng: np.random.Generator) -> torch.Tensor:
        """Return `n` patches, (n, 1, *patch), whose grey values are changed a little."""
        patches = []
        for index in rng.integers(0, len(self._images), n):
            image = self._images[int(index)]
            grid = _random_grid(image.shape, self._patch, self._device, rng)
            patches.append(change_intensity(read_patch(image, grid, nearest=False), _COLOUR, rng))
        return torch.stack(patches)[:, None]


def _tensor(image: Image, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).to(device)


def _random_grid(
    shape: Sequence[int], patch: tuple[int, ...], device: torch.device, rng: np.random.Generator
) -> torch.Tensor:
    """Return where a random patch is read, in the image where that is large enough, else mirrored."""
    halves = [min(side, length) / 2 for side, length in zip(patch, shape, strict=True)]
    centre = [
        rng.uniform(half - 0.5, max(half - 0.5, length - half - 0.5))
        for half, length in zip(halves, shape, strict=True)
    ]
    if len(patch) == 3:
        centre[0] = round(centre[0] - (patch[0] - 1) / 2) + (patch[0] - 1) / 2
    return grid_of(centre, random_transform(len(patch), _GEOMETRY, rng), patch, None, device)
