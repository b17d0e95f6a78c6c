"""Random augmented patches from the examples, computed on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from napari_graft.core.errors import InputError
from napari_graft.core.labels import UNLABELLED
from napari_graft.training.copy_paste import paste_objects
from napari_graft.training.examples import Example, labelled_box


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Limits of augmentation; the defaults suit a few annotated tiles.

    Parameters
    ----------
    scale
        Largest zoom in or out, as the natural logarithm of a factor.
    shear
        Largest shear, as a fraction.
    elastic
        Largest displacement of the coarse elastic grid, in pixels.
    contrast, brightness
        Spread of the factor and of the shift of the intensities.
    gamma
        Spread of the logarithm of the exponent.
    noise, blur
        Largest standard deviation of added noise, and of a Gaussian blur in pixels.
    copy_paste
        Chance that a patch is given objects of another one.
    """

    scale: float = 0.22
    shear: float = 0.1
    elastic: float = 4.0
    contrast: float = 0.25
    brightness: float = 0.2
    gamma: float = 0.35
    noise: float = 0.12
    blur: float = 1.0
    copy_paste: float = 0.0


def random_transform(ndim: int, settings: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a linear map of the plane: rotation, flip, zoom and shear; the z axis is only flipped.

    Returns
    -------
    np.ndarray
        Shape (ndim, ndim), in pixels, from the patch to the image.
    """
    angle = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    zoom = np.exp(rng.uniform(-settings.scale, settings.scale))
    shear = np.array([[1, rng.uniform(-settings.shear, settings.shear)], [0, 1]])
    flip = np.diag([1, rng.choice([-1, 1])])
    plane: NDArray[np.float64] = zoom * rotation @ shear @ flip
    if ndim == 2:
        return plane
    full = np.diag([float(rng.choice([-1, 1])), 1.0, 1.0])
    full[1:, 1:] = plane
    return full


def sampling_grid(
    centre: Sequence[float],
    transform: NDArray[np.float64],
    patch: Sequence[int],
    elastic: torch.Tensor | None,
    device: torch.device,
) -> torch.Tensor:
    """Return where each pixel of a patch is read in the image, in pixels.

    Parameters
    ----------
    centre
        Position in the image that becomes the centre of the patch.
    transform
        Linear map from the patch to the image.
    patch
        Shape of the patch.
    elastic
        Displacements at coarse nodes in pixels, shape (1, ndim, *nodes), or None.

    Returns
    -------
    torch.Tensor
        Shape (*patch, ndim), axes in the order of the image.
    """
    ranges = [torch.arange(n, device=device, dtype=torch.float32) - (n - 1) / 2 for n in patch]
    position = torch.stack(torch.meshgrid(*ranges, indexing="ij"), -1)
    if elastic is not None:
        mode = "bicubic" if len(patch) == 2 else "trilinear"
        smooth = functional.interpolate(elastic, size=tuple(patch), mode=mode, align_corners=True)
        position = position + smooth[0].movedim(0, -1)
    linear = torch.as_tensor(transform, dtype=torch.float32, device=device)
    return position @ linear.T + torch.as_tensor(centre, dtype=torch.float32, device=device)


def read_patch(source: torch.Tensor, grid: torch.Tensor, *, nearest: bool) -> torch.Tensor:
    """Read an image (linear, mirrored at the border) or labels (nearest, unlabelled outside) along a grid.

    Parameters
    ----------
    source
        Shape (*spatial), float32.
    grid
        Positions from `sampling_grid`, shape (*patch, ndim).
    """
    size = torch.tensor(source.shape, dtype=torch.float32, device=grid.device)
    # grid_sample wants x first and -1…1 over the image, whose pixels have their centres at half steps.
    normalised = ((grid + 0.5) / size * 2 - 1).flip(-1)[None]
    mode, padding = ("nearest", "zeros") if nearest else ("bilinear", "reflection")
    sampled = functional.grid_sample(source[None, None], normalised, mode, padding, align_corners=False)
    return sampled[0, 0]


def change_intensity(patch: torch.Tensor, settings: Augmentation, rng: np.random.Generator) -> torch.Tensor:
    """Change gamma, contrast, brightness, sharpness and noise of one normalised patch, shape (*spatial)."""
    unit = ((patch + 1.5) / 3).clamp(0, 1) ** float(np.exp(rng.normal(0, settings.gamma / 2)))
    patch = unit * 3 - 1.5
    patch = patch * float(1 + rng.uniform(-settings.contrast, settings.contrast)) + float(
        rng.uniform(-settings.brightness, settings.brightness)
    )
    if rng.random() < 0.25:
        patch = _blur(patch, float(rng.uniform(0.3, max(settings.blur, 0.31))))
    if rng.random() < 0.6:
        generator = torch.Generator(device=patch.device).manual_seed(int(rng.integers(2**31)))
        noise = torch.randn(patch.shape, generator=generator, device=patch.device)
        patch = patch + noise * float(rng.uniform(0, settings.noise))
    return patch


def _blur(patch: torch.Tensor, sigma: float) -> torch.Tensor:
    offsets = torch.arange(-3, 4, dtype=torch.float32, device=patch.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    planes = patch.reshape(-1, 1, *patch.shape[-2:])
    planes = functional.conv2d(
        functional.pad(planes, (3, 3, 0, 0), mode="replicate"), kernel.view(1, 1, 1, 7)
    )
    planes = functional.conv2d(
        functional.pad(planes, (0, 0, 3, 3), mode="replicate"), kernel.view(1, 1, 7, 1)
    )
    return planes.reshape(patch.shape)


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
        counts = np.array([e.weight * np.count_nonzero(e.train != UNLABELLED) for e in self.examples])
        if not counts.sum():
            raise InputError("nothing to learn from: no tile holds labelled pixels; paint one first")
        used = [e for e, n in zip(self.examples, counts, strict=True) if n]
        self._shares = counts[counts > 0] / counts.sum()
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
            if self.augmentation.copy_paste and rng.random() < self.augmentation.copy_paste:
                other = self._draw_one(int(rng.choice(len(self._images), p=self._shares)), rng)
                image, label = paste_objects(image, label, other, rng)
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
