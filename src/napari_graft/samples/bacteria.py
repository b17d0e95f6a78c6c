"""Generated images of bacteria: rods and cocci, alone, in chains and in colonies, as light microscopes show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
from napari_graft.samples.shapes import FloatArray, box_around, grain, pixel_positions, smooth_field

_OVERLAP = 0.12
"""Share of the width by which two rods may lie in one another."""
_TRIES = 12
"""Places at which a rod is tried beside others of its colony."""


@dataclass(frozen=True, slots=True)
class Rod:
    """A bent rod with round ends: centre and width in pixels, length of its axis, direction in radians.

    A coccus is a rod whose axis is short. `bend` is the sagitta of the axis as a share of its length, and
    `waist` how much narrower the middle is, where a cell is about to divide.
    """

    y: float
    x: float
    width: float
    length: float
    angle: float
    bend: float = 0.0
    waist: float = 0.0

    def distance(self, y: NDArray[np.floating], x: NDArray[np.floating]) -> FloatArray:
        """Return how far points lie from the axis: 1 on the outline, less inside."""
        rows, columns = y - self.y, x - self.x
        along = rows * np.sin(self.angle) + columns * np.cos(self.angle)
        across = rows * np.cos(self.angle) - columns * np.sin(self.angle)
        share = np.clip(2 * along / max(self.length, 1.0), -1, 1)
        across = across + self.bend * self.length * share**2
        beyond = np.clip(np.abs(along) - self.length / 2, 0, None)
        half = self.width / 2 * (1 - self.waist * np.exp(-((along / (0.35 * self.width)) ** 2)))
        return np.asarray(np.hypot(across, beyond) / half, np.float32)

    def ends(self) -> NDArray[np.float64]:
        """Return points along the axis, (n, 2), no further apart than a quarter of the width."""
        n = max(3, int(4 * self.length / self.width) + 1)
        along = np.linspace(-0.5, 0.5, n)[:, None] * self.length
        direction = np.asarray([[np.sin(self.angle), np.cos(self.angle)]])
        return np.asarray([[self.y, self.x]] + along * direction)


def generate_bacteria(
    shape: tuple[int, int], rng: np.random.Generator, appearance: Appearance | None = None
) -> GeneratedImage:
    """Generate a (y, x) image of bacteria in phase contrast, bright field or fluorescence, with its truth.

    Synthetic images of rods suffice to train networks that segment real ones: Hardo et al. 2022, BMC Biol
    20:263 (SyMBac). Cells may touch in the image; in the truth a line of background lies between them.
    An appearance of None draws one at random; of it the radius counts, and what the instrument does.
    """
    appearance = appearance or random_appearance(rng)
    cells = draw_rods(shape, appearance, rng)
    inside = ndimage.distance_transform_edt((cells > 0) & ~touching_edges(cells))
    outside = ndimage.distance_transform_edt(cells == 0)
    depth = np.asarray(np.where(cells > 0, inside, -outside), np.float32)
    paint = _PAINTERS[int(rng.choice(len(_PAINTERS), p=_CHANCES))]
    scene = paint(cells, depth, appearance, rng)
    regions = np.where(touching_edges(cells), 0, cells).astype(np.int32)
    return GeneratedImage(photograph(scene[None], appearance, rng)[0], connected_truth(regions[None])[0])


def draw_rods(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> NDArray[np.int32]:
    """Draw rods of about one width, (y, x); 0 is the ground. Pixels of different cells may touch.

    The radius of the appearance is that of a disc as large as a usual cell.
    """
    slender = float(np.exp(rng.uniform(np.log(0.15), np.log(4.0)))) if rng.random() < 0.8 else 0.1
    width = 2 * appearance.radius / np.sqrt(1 + 4 / np.pi * slender)
    usual = Rod(0, 0, max(width, 4.0), slender * max(width, 4.0), 0.0)
    cells = np.zeros(shape, np.int32)
    nearest = np.ones(shape, np.float32)
    for number, rod in enumerate(_scatter(shape, usual, rng), start=1):
        box = box_around(rod.y, rod.x, rod.length / 2 + rod.width * 1.5, shape)
        if cells[box].size == 0:
            continue
        distance = rod.distance(*pixel_positions(box))
        is_won = distance < nearest[box]
        cells[box][is_won] = number
        nearest[box][is_won] = distance[is_won]
    return cells


def _scatter(shape: tuple[int, int], usual: Rod, rng: np.random.Generator) -> list[Rod]:
    """Return rods in colonies of one to many; a colony is left where it runs into another."""
    per_cell = usual.width * (usual.length + usual.width)
    wanted = int(np.clip(rng.uniform(0.03, 0.5) * np.prod(shape) / per_cell, 3, 150))
    mean_size = float(np.exp(rng.uniform(0, np.log(30))))
    rods: list[Rod] = []
    for _ in range(4 * wanted):
        if len(rods) >= wanted:
            break
        y, x = rng.random(2) * np.asarray(shape)
        seed = _vary(usual, y, x, rng.uniform(0, 2 * np.pi), rng)
        if _is_free(seed, rods):
            rods += _grow_colony(seed, usual, rods, 1 + int(rng.exponential(mean_size - 0.5)), rng)
    return rods


def _vary(usual: Rod, y: float, x: float, angle: float, rng: np.random.Generator) -> Rod:
    length = usual.length * float(np.exp(rng.normal(0, 0.3)))
    return Rod(
        y,
        x,
        usual.width * float(np.exp(rng.normal(0, 0.06))),
        length,
        angle,
        rng.normal(0, 0.05),
        float(rng.choice([0.0, rng.uniform(0.05, 0.3)], p=[0.7, 0.3])),
    )


def _grow_colony(seed: Rod, usual: Rod, others: list[Rod], size: int, rng: np.random.Generator) -> list[Rod]:
    """Add cells beside or behind those that are there, as cells do that divide and push one another."""
    colony = [seed]
    loose = rng.uniform(0.95, 1.25)
    disorder, in_line = rng.uniform(0.02, 0.5), rng.uniform(0.1, 0.9)
    for _ in range(min(size, 60) - 1):
        for _ in range(_TRIES):
            mother = colony[int(rng.integers(len(colony)))]
            rod = _daughter(mother, usual, loose, disorder, rng.random() < in_line, rng)
            if _is_free(rod, colony + others):
                colony.append(rod)
                break
    return colony


def _daughter(
    mother: Rod, usual: Rod, loose: float, disorder: float, is_in_line: bool, rng: np.random.Generator
) -> Rod:
    angle = mother.angle + rng.normal(0, disorder)
    rod = _vary(usual, 0, 0, angle, rng)
    side = 1 if rng.random() < 0.5 else -1
    if is_in_line:
        along, across = side * ((mother.length + rod.length) / 2 + loose * mother.width), 0.0
    else:
        along, across = rng.normal(0, 0.2) * mother.length, side * loose * (mother.width + rod.width) / 2
    dy = along * np.sin(mother.angle) + across * np.cos(mother.angle)
    dx = along * np.cos(mother.angle) - across * np.sin(mother.angle)
    return Rod(mother.y + dy, mother.x + dx, rod.width, rod.length, angle, rod.bend, rod.waist)


def _is_free(rod: Rod, others: list[Rod]) -> bool:
    """Say whether the axis of a rod keeps away from those of others."""
    points = rod.ends()
    for other in others:
        reach = (rod.length + other.length) / 2 + (rod.width + other.width) / 2
        if np.hypot(rod.y - other.y, rod.x - other.x) > reach:
            continue
        apart = np.hypot(*(points[:, None] - other.ends()[None]).transpose(2, 0, 1)).min()
        if apart < (1 - _OVERLAP) * (rod.width + other.width) / 2:
            return False
    return True


_Painter = Callable[[NDArray[np.int32], FloatArray, Appearance, np.random.Generator], FloatArray]


def _per_cell(cells: NDArray[np.int32], low: float, high: float, rng: np.random.Generator) -> FloatArray:
    return np.asarray(rng.uniform(low, high, int(cells.max()) + 1).astype(np.float32)[cells], np.float32)


def _paint_phase(
    cells: NDArray[np.int32], depth: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint dark cells on grey ground, each colony in a bright halo that fades away from it."""
    is_cell = cells > 0
    thick = np.clip(depth / rng.uniform(1.5, 4.0), 0, 1) ** rng.uniform(0.4, 1.2)
    contrast = rng.uniform(0.25, 0.6) * _per_cell(cells, rng.uniform(0.5, 0.95), 1.0, rng)
    shade = ndimage.gaussian_filter(is_cell.astype(np.float32), rng.uniform(3, 9), truncate=3.0)
    halo = rng.uniform(0.0, 0.7) * shade * ~is_cell
    halo += rng.uniform(0.0, 0.35) * np.exp(-(((depth + 1.5) / rng.uniform(1.0, 2.5)) ** 2)) * ~is_cell
    shine = rng.uniform(-0.1, 0.4) * shade * is_cell  # a thick colony is brighter in its middle
    ground = rng.uniform(0.45, 0.65) + 0.04 * smooth_field(cells.shape, (30.0, 30.0), rng)
    ground = ground + 0.5 * appearance.texture * grain(cells.shape, rng.uniform(1, 3), rng)
    return np.asarray(ground + halo + shine - contrast * thick * is_cell, np.float32)


def _paint_bright_field(
    cells: NDArray[np.int32], depth: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint cells that are hardly darker or lighter than their ground, with rims and fringes around them."""
    pitch, phase = rng.uniform(3.0, 7.0), rng.uniform(0, 2 * np.pi)
    fringes = np.cos(2 * np.pi * depth / pitch + phase) * np.exp(-np.abs(depth) / rng.uniform(1.5, 5.0))
    body = _per_cell(cells, -0.35, rng.uniform(-0.2, 0.25), rng) * (cells > 0)
    ground = 0.6 + 0.04 * smooth_field(cells.shape, (25.0, 25.0), rng)
    ground = ground + appearance.texture * grain(cells.shape, rng.uniform(1, 3), rng)
    return np.asarray(ground + rng.uniform(0.1, 0.35) * fringes + body * np.clip(depth / 3, 0, 1), np.float32)


def _paint_fluorescence(
    cells: NDArray[np.int32], depth: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint bright cells, filled or as rims alone, on dark ground with the haze of what is out of focus."""
    rim = np.exp(-(((depth - 1.5) / rng.uniform(1.0, 2.5)) ** 2)) * (cells > 0)
    full = np.clip(depth / rng.uniform(1.5, 4.0), 0, 1) ** 0.7
    share = rng.choice([0.0, 1.0, rng.random()], p=[0.6, 0.2, 0.2])
    bright = _per_cell(cells, rng.uniform(0.15, 0.8), 1.0, rng)
    mottled = 1 + rng.uniform(0, 3) * appearance.texture * smooth_field(cells.shape, (4.0, 4.0), rng)
    body = bright * (share * rim + (1 - share) * full * mottled)
    haze = rng.uniform(0.0, 0.4) * ndimage.gaussian_filter(body, rng.uniform(4, 12), truncate=2.0)
    return np.asarray(0.8 * body + haze + rng.uniform(0.02, 0.2), np.float32)


_PAINTERS: tuple[_Painter, ...] = (_paint_phase, _paint_bright_field, _paint_fluorescence)
_CHANCES = (0.5, 0.2, 0.3)
