"""Random geometry and intensity, computed on the device for 2-D and 3-D alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional


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
    """

    scale: float = 0.22
    shear: float = 0.1
    elastic: float = 4.0
    contrast: float = 0.25
    brightness: float = 0.2
    gamma: float = 0.35
    noise: float = 0.12
    blur: float = 1.0


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
