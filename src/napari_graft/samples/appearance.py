"""The look of a generated image and its last steps, and the truth that comes with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.shapes import FloatArray, smooth_field


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """A generated image and the objects in it.

    Attributes
    ----------
    image
        uint8, (y, x) or (z, y, x).
    segments
        uint32, the shape of the image; 0 is background, the ids 1… are dense. In every slice an id is one
        4-connected region, and no two pixels side by side have different ids: background lies between.
    """

    image: NDArray[np.uint8]
    segments: NDArray[np.uint32]


class CellKind(Enum):
    """What a generated cell image imitates."""

    FLUORESCENCE = "fluorescence"
    STAINED = "stained"
    PHASE = "phase"
    ORGANELLES = "organelles"


@dataclass(frozen=True, slots=True)
class Appearance:
    """Appearance of a generated image; lengths in pixels, strengths relative to the grey range 0..1."""

    radius: float = 16.0
    size_spread: float = 0.6
    elongation: float = 1.5
    stretch: float = 1.2
    waviness: float = 1.0
    membrane_width: float = 2.5
    membrane_contrast: float = 0.45
    membrane_gaps: float = 0.25
    cytoplasm_spread: float = 0.05
    texture: float = 0.06
    texture_scale: float = 1.2
    mitochondria: float = 1.0
    vesicles: float = 1.0
    microtubules: float = 1.0
    synapses: float = 1.0
    myelin: float = 0.0
    blur: float = 0.8
    noise: float = 0.04
    shot_noise: float = 0.03
    illumination: float = 0.06
    black: float = 0.1
    white: float = 0.85
    gamma: float = 1.0
    inverted: bool = False
    artefacts: float = 0.0
    cell_kind: CellKind = CellKind.FLUORESCENCE


def random_appearance(rng: np.random.Generator) -> Appearance:
    """Draw an appearance from wide ranges: domain randomisation (Tobin et al. 2017) for pretraining."""
    black = rng.uniform(0.0, 0.3)
    return Appearance(
        radius=_log_uniform(rng, 7.0, 28.0),
        size_spread=rng.uniform(0.3, 0.9),
        elongation=_log_uniform(rng, 0.2, 4.0),
        stretch=_log_uniform(rng, 1.0, 2.5),
        waviness=rng.uniform(0.4, 1.6),
        membrane_width=_log_uniform(rng, 1.2, 5.0),
        membrane_contrast=rng.uniform(0.2, 0.6),
        membrane_gaps=rng.uniform(0.0, 0.6),
        cytoplasm_spread=_log_uniform(rng, 0.01, 0.12),
        texture=_log_uniform(rng, 0.015, 0.12),
        texture_scale=_log_uniform(rng, 0.7, 3.0),
        mitochondria=_often(rng, 0.8, 0.3, 2.0),
        vesicles=_often(rng, 0.7, 0.3, 2.0),
        microtubules=_often(rng, 0.6, 0.3, 2.0),
        synapses=_often(rng, 0.7, 0.3, 2.0),
        myelin=_often(rng, 0.2, 0.15, 0.9),
        blur=_log_uniform(rng, 0.35, 2.2),
        noise=_log_uniform(rng, 0.005, 0.12),
        shot_noise=_log_uniform(rng, 0.005, 0.1),
        illumination=_log_uniform(rng, 0.01, 0.15),
        black=black,
        white=rng.uniform(black + 0.35, 1.0),
        gamma=_log_uniform(rng, 0.6, 1.7),
        inverted=bool(rng.random() < 0.3),
        artefacts=_often(rng, 0.25, 0.3, 1.0),
        cell_kind=list(CellKind)[int(rng.integers(len(CellKind)))],
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _often(rng: np.random.Generator, chance: float, low: float, high: float) -> float:
    """Return 0 or, with the given chance, a value between low and high."""
    value = rng.uniform(low, high)
    return float(value) if rng.random() < chance else 0.0


def touching_edges(cells: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Mark the pixels of one slice in whose 3 by 3 neighbourhood two ids meet; 0 is ground and no id."""
    high = ndimage.maximum_filter(cells, size=3, mode="nearest")
    without_ground = np.where(cells == 0, np.iinfo(cells.dtype).max, cells)
    low = ndimage.minimum_filter(without_ground, size=3, mode="nearest")
    return np.asarray(low < high)


def connected_truth(regions: NDArray[np.int32], min_area: int = 12) -> NDArray[np.uint32]:
    """Make truth from a (z, y, x) stack of regions in which different ids never touch within a slice.

    In each slice every region is cut into its 4-connected pieces; pieces under `min_area` pixels become
    background. A piece takes the id of the piece of the same region that it overlaps most in the slice
    before, if no piece with more overlap has taken it; else it receives a new id. Ids are dense.
    """
    truth = np.zeros(regions.shape, np.uint32)
    n_ids = 0
    for z, region in enumerate(regions):
        pieces = _large_pieces(region, min_area)
        before = np.where(regions[z - 1] == region, truth[z - 1], 0) if z else np.zeros_like(truth[0])
        names, n_ids = _inherit_names(pieces, before, n_ids)
        truth[z] = names[pieces]
    return truth


def _large_pieces(region: NDArray[np.int32], min_area: int) -> NDArray[np.int32]:
    """Give the 4-connected pieces of a slice numbers; as different ids never touch, a mask is enough."""
    pieces, n_pieces = ndimage.label(region > 0)
    area = np.bincount(pieces.ravel(), minlength=n_pieces + 1)
    is_kept = area >= min_area
    is_kept[0] = False
    names = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)
    return np.asarray(names[pieces], np.int32)


def _inherit_names(
    pieces: NDArray[np.int32], before: NDArray[np.uint32], n_ids: int
) -> tuple[NDArray[np.uint32], int]:
    """Return the id of each piece (index 0 is background), and how many ids are in use now."""
    names = np.zeros(int(pieces.max()) + 1, np.uint32)
    is_shared = (pieces > 0) & (before > 0)
    pair = pieces[is_shared].astype(np.int64) * (n_ids + 1) + before[is_shared]
    pairs, overlap = np.unique(pair, return_counts=True)
    taken: set[int] = set()
    for index in np.argsort(-overlap, kind="stable"):
        piece, name = divmod(int(pairs[index]), n_ids + 1)
        if not names[piece] and name not in taken:
            names[piece] = name
            taken.add(name)
    unnamed = np.flatnonzero(names == 0)
    unnamed = unnamed[unnamed > 0]
    names[unnamed] = n_ids + 1 + np.arange(len(unnamed))
    return names, n_ids + len(unnamed)


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
