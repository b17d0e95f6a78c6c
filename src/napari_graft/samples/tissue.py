"""Generated images of stained nuclei in tissues and smears, as bright-field microscopes show them in grey."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.appearance import (
    Appearance,
    GeneratedImage,
    connected_truth,
    photograph,
    random_appearance,
    touching_edges,
)
from napari_graft.samples.nuclei import Layout, lay_out_smear, lay_out_tissue
from napari_graft.samples.shapes import Ellipse, FloatArray, box_around, grain, pixel_positions, smooth_field

_RADII, _RADII_IN_SMEAR = (6.0, 24.0), (5.0, 12.0)
"""From the smallest to the largest radius of a usual nucleus, in pixels; cells of a smear are wide."""
_CHANCE_OF_SMEAR = 0.25
_CHANCE_OF_MARKER = 0.3
"""How often a second stain darkens some of the nuclei, as in immunohistochemistry."""


def generate_tissue(
    shape: tuple[int, int], rng: np.random.Generator, appearance: Appearance | None = None
) -> GeneratedImage:
    """Generate a (y, x) image of stained nuclei, dark on brighter tissue, with its truth.

    Stains absorb light (law of Beer and Lambert): what lies over each other adds up, ``grey = exp(-sum)``, so
    that overlapping nuclei are darker where they overlap. In the truth such pixels belong to the nucleus
    whose centre is nearer, and a line of background lies between nuclei. Which stains a grey image shows, and
    how strongly, depends on how the colours were made grey, so that the strengths are drawn at random.
    An appearance of None draws one at random; of it the radius, that of a usual nucleus, waviness and texture
    count, and what the instrument does.
    """
    is_smear = rng.random() < _CHANCE_OF_SMEAR
    if appearance is None:
        appearance = _as_bright_field(random_appearance(rng), _RADII_IN_SMEAR if is_smear else _RADII, rng)
    layout = (lay_out_smear if is_smear else lay_out_tissue)(shape, appearance, rng)
    stain, nuclei = _stain_nuclei(layout.nuclei, shape, appearance, rng)
    ground = _stain_smear if is_smear else _stain_tissue
    around = ground(layout, stain, appearance, rng)
    scene = np.exp(-(stain + around)).astype(np.float32)
    regions = np.where(touching_edges(nuclei), 0, nuclei).astype(np.int32)
    return GeneratedImage(photograph(scene[None], appearance, rng)[0], connected_truth(regions[None])[0])


def _as_bright_field(
    appearance: Appearance, radii: tuple[float, float], rng: np.random.Generator
) -> Appearance:
    """Take away what electron microscopes and dim light do, and draw the radius of a usual nucleus."""
    return replace(
        appearance,
        radius=float(np.exp(rng.uniform(*np.log(radii)))),
        noise=0.4 * appearance.noise,
        shot_noise=0.4 * appearance.shot_noise,
        artefacts=0.0,
        inverted=False,
    )


def _stain_nuclei(
    nuclei: tuple[Ellipse, ...], shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.int32]]:
    """Return what the nuclei absorb, and the number of the nucleus at each pixel, 0 for none."""
    chromatin = _chromatin(shape, appearance, rng)
    wobble = appearance.radius * appearance.waviness * rng.uniform(0.04, 0.22)
    knots = (0.9 * appearance.radius,) * 2
    dy, dx = (wobble * smooth_field(shape, knots, rng) for _ in range(2))
    strengths = _strengths(len(nuclei), rng)
    vesicular = rng.uniform(0.0, 0.8) * rng.random(len(nuclei))
    softness = rng.uniform(0.08, 0.5)
    stain, labels = np.zeros(shape, np.float32), np.zeros(shape, np.int32)
    nearest = np.ones(shape, np.float32)
    for index, one in enumerate(nuclei):
        box = box_around(one.y, one.x, 2 * one.long, shape)
        rows, columns = pixel_positions(box)
        distance = one.distance(rows + dy[box], columns + dx[box])
        edge = np.clip((1 - distance) * one.short / (1 + softness * rng.random() * one.short), 0, 1)
        hollow = 1 - vesicular[index] * np.clip((1 - distance) * one.short / (0.3 * one.short + 1), 0, 1)
        stain[box] += strengths[index] * edge * np.clip(hollow + chromatin[box], 0.1, 2.0)
        is_won = distance < nearest[box]
        labels[box][is_won] = index + 1
        nearest[box][is_won] = distance[is_won]
    return stain, labels


def _strengths(n_nuclei: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw what each nucleus absorbs: all alike, or pale and dark ones beside each other."""
    usual = rng.uniform(0.35, 1.6)
    strengths = usual * np.exp(rng.normal(0, rng.uniform(0.05, 0.5), n_nuclei))
    if rng.random() < _CHANCE_OF_MARKER:
        has_marker = rng.random(n_nuclei) < rng.uniform(0.05, 0.6)
        strengths = np.where(has_marker, strengths + rng.uniform(0.5, 2.0), 0.7 * strengths)
    return np.clip(strengths, 0.2, 3.0)


def _chromatin(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Draw clumps of chromatin and nucleoli, relative to the mean of a nucleus."""
    fine = grain(shape, rng.uniform(0.06, 0.16) * appearance.radius, rng)
    clumps = smooth_field(shape, (0.3 * appearance.radius,) * 2, rng)
    texture = rng.uniform(0.0, 0.3) * fine + rng.uniform(0.0, 0.25) * clumps
    nucleoli = np.clip(smooth_field(shape, (0.4 * appearance.radius,) * 2, rng) - 1.6, 0, 0.7)
    return np.asarray(texture + rng.choice([0.0, rng.uniform(0.3, 1.5)]) * nucleoli, np.float32)


def _stain_tissue(
    layout: Layout, stain: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Return what lies between nuclei absorbs: cytoplasm, fibres, nuclei out of focus, blood cells."""
    shape = stain.shape
    patches = smooth_field(shape, (40.0, 40.0), rng)
    tissue = rng.uniform(0.0, 0.5) * (1 + 0.25 * patches) * np.ones(shape, np.float32)
    tissue = tissue + rng.choice([0.0, rng.uniform(0.0, 0.3)]) * _fibres(shape, appearance, rng)
    tissue = tissue + appearance.texture * grain(shape, appearance.texture_scale, rng)
    cytoplasm = ndimage.gaussian_filter(np.minimum(stain, 1), appearance.radius * rng.uniform(0.3, 1.0))
    tissue = tissue + rng.uniform(0.0, 0.6) * cytoplasm
    tissue = tissue * (1 - rng.uniform(0.5, 1.0) * _softened(layout.is_open, 1.5))
    tissue = tissue + _out_of_focus(shape, appearance, rng)
    if rng.random() < 0.2:
        tissue = tissue + _blood(shape, appearance, rng)
    glass = rng.uniform(0.0, 0.08)
    return np.asarray(np.clip(tissue, 0, None) + glass + _specks(shape, rng), np.float32)


def _softened(mask: NDArray[np.bool_], sigma: float) -> FloatArray:
    return np.asarray(ndimage.gaussian_filter(mask.astype(np.float32), sigma), np.float32)


def _fibres(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Draw wavy fibres that run about one way, each darker or lighter than its neighbours."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    across = across + appearance.radius * rng.uniform(0.2, 1.2) * smooth_field(shape, (30.0, 30.0), rng)
    length, pitch = appearance.radius * rng.uniform(3, 10), appearance.radius * rng.uniform(0.15, 0.8)
    at = np.stack([(across - across.min()) / pitch, (along - along.min()) / length])
    size = tuple(int(np.ceil(axis.max())) + 2 for axis in at)
    noise = rng.standard_normal(size, dtype=np.float32)
    drawn = ndimage.map_coordinates(noise, at, order=1, mode="nearest")
    return np.asarray(np.clip(drawn + rng.uniform(-1, 0.5), -1, 2), np.float32)


def _out_of_focus(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Draw blurred shades that are no nuclei in focus, and belong to the background."""
    field = smooth_field(shape, (rng.uniform(0.8, 2.0) * appearance.radius,) * 2, rng)
    shades = _softened(field > rng.uniform(1.2, 2.2), 0.35 * appearance.radius)
    return np.asarray(rng.choice([0.0, rng.uniform(0.1, 0.6)]) * shades, np.float32)


def _blood(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Draw red blood cells: even discs, smaller than nuclei and paler, some pale in the middle."""
    drawn = np.zeros(shape, np.float32)
    radius, dip = appearance.radius * rng.uniform(0.5, 0.9), rng.uniform(0.0, 0.6)
    middle = rng.random(2) * np.asarray(shape)
    for _ in range(int(rng.integers(5, 60))):
        y, x = middle + rng.uniform(3, 8) * radius * rng.standard_normal(2)
        disc = Ellipse(y, x, radius * rng.uniform(0.7, 1.0), radius, rng.uniform(0, np.pi))
        box = box_around(y, x, 1.5 * radius, shape)
        distance = disc.distance(*pixel_positions(box))
        body = (1 - dip * np.exp(-((distance / 0.5) ** 2))) * np.clip((1 - distance) * radius, 0, 1)
        drawn[box] = np.maximum(drawn[box], body)
    return np.asarray(rng.uniform(0.1, 0.4) * drawn, np.float32)


def _specks(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Draw dust and pigment: specks much smaller than nuclei."""
    spots = smooth_field(shape, (3.0, 3.0), rng) > rng.uniform(2.6, 4.5)
    return np.asarray(rng.uniform(0.2, 1.0) * _softened(spots, 0.7), np.float32)


def _stain_smear(
    layout: Layout, stain: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Return what wide thin cells absorb: many-cornered, folded, darker where they lie over each other."""
    shape = stain.shape
    drawn = np.zeros(shape, np.float32)
    wobble = 0.5 * appearance.radius * appearance.waviness
    dy, dx = (wobble * smooth_field(shape, (2.5 * appearance.radius,) * 2, rng) for _ in range(2))
    usual = rng.uniform(0.08, 0.6)
    for cell in layout.cells:
        box = box_around(cell.y, cell.x, 1.6 * cell.long, shape)
        rows, columns = pixel_positions(box)
        depth = (1 - _polygon_distance(cell, rows + dy[box], columns + dx[box], rng)) * cell.short
        body = np.clip(depth / rng.uniform(1, 4), 0, 1) + rng.uniform(0, 0.6) * np.exp(-((depth - 1) ** 2))
        drawn[box] += usual * float(np.exp(rng.normal(0, 0.35))) * body * (depth > -3)
    folds = np.exp(-((smooth_field(shape, (2 * appearance.radius,) * 2, rng) / rng.uniform(0.03, 0.15)) ** 2))
    texture = (
        1 + rng.uniform(0, 0.5) * folds + 3 * appearance.texture * grain(shape, rng.uniform(0.7, 2.5), rng)
    )
    granules = smooth_field(shape, (3.0, 3.0), rng) > rng.uniform(1.8, 3.5)
    drawn = drawn * np.clip(texture + granules, 0.3, 2.5)
    return np.asarray(drawn + rng.uniform(0.0, 0.08) + _specks(shape, rng), np.float32)


def _polygon_distance(cell: Ellipse, y: FloatArray, x: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return how far points lie from the middle of a cell with a few straight sides: 1 on the outline."""
    n_sides = int(rng.integers(5, 9))
    angles = 2 * np.pi * (np.arange(n_sides) + rng.uniform(-0.3, 0.3, n_sides)) / n_sides
    rows, columns = y - cell.y, x - cell.x
    along = (rows * np.sin(cell.angle) + columns * np.cos(cell.angle)) / cell.long
    across = (rows * np.cos(cell.angle) - columns * np.sin(cell.angle)) / cell.short
    sides = [(along * np.cos(a) + across * np.sin(a)) / rng.uniform(0.75, 1.0) for a in angles]
    return np.asarray(np.max(sides, axis=0), np.float32)
