"""The last steps of every generated image: light, blur, noise, contrast and artefacts, then eight bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.fields import FloatArray, smooth_field
from napari_graft.samples.look import Appearance


def photograph(scene: FloatArray, appearance: Appearance, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn an ideal (z, y, x) scene with greys of about 0..1 into what an instrument would record (uint8)."""
    shape = scene.shape
    scene = ndimage.gaussian_filter(scene, (0.0, appearance.blur, appearance.blur), truncate=3.0)
    scale = max(shape[1:]) / 2.5
    scene = scene * (1 + appearance.illumination * smooth_field(shape, (3.0, scale, scale), rng))
    if appearance.artefacts:
        scene = _add_artefacts(scene, appearance.artefacts, rng)
    spread = np.sqrt(appearance.noise**2 + appearance.shot_noise**2 * np.clip(scene, 0, 1.5))
    scene = scene + spread * rng.standard_normal(shape, dtype=np.float32)
    scene = np.clip(scene, 0.0, 1.0) ** appearance.gamma
    if appearance.inverted:
        scene = 1.0 - scene
    grey = appearance.black + (appearance.white - appearance.black) * scene
    return np.asarray(np.rint(255 * np.clip(grey, 0, 1)), np.uint8)


def _add_artefacts(scene: FloatArray, strength: float, rng: np.random.Generator) -> FloatArray:
    """Add scan-line streaks, charging patches and a fold, each by chance."""
    depth, height, width = scene.shape
    if rng.random() < 0.5:
        streaks = smooth_field((depth, height), (1.0, 1.2), rng)[:, :, None]
        scene = scene + 0.05 * strength * streaks * smooth_field(scene.shape, (2.0, 40.0, 90.0), rng)
    if rng.random() < 0.5:
        patch = smooth_field(scene.shape, (1.0, height / 4, width / 4), rng)
        scene = scene + 0.25 * strength * np.clip(patch - 1.2, 0, None)
    if rng.random() < 0.4:
        angle, z = rng.uniform(0, np.pi), int(rng.integers(depth))
        rows, columns = np.mgrid[:height, :width]
        rows, columns = rows - height * rng.random(), columns - width * rng.random()
        across = (
            rows * np.cos(angle)
            + columns * np.sin(angle)
            + 6 * smooth_field((height, width), (60.0, 60.0), rng)
        )
        scene[z] -= (0.45 * strength * np.exp(-((across / rng.uniform(1.5, 4.0)) ** 2))).astype(np.float32)
    return np.asarray(scene, np.float32)
