"""Rods and cocci, alone, in chains and in colonies, as bacteria lie under a microscope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.samples.appearance import Appearance
from napari_graft.samples.shapes import FloatArray, box_around, pixel_positions

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

    def axis_points(self) -> NDArray[np.float64]:
        """Return points along the axis, (n, 2), no further apart than a quarter of the width."""
        n = max(3, int(4 * self.length / self.width) + 1)
        along = np.linspace(-0.5, 0.5, n)[:, None] * self.length
        direction = np.asarray([[np.sin(self.angle), np.cos(self.angle)]])
        return np.asarray([[self.y, self.x]] + along * direction)


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
        float(rng.choice([0.0, rng.uniform(0.03, 0.15)], p=[0.8, 0.2])),
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
    points = rod.axis_points()
    for other in others:
        reach = (rod.length + other.length) / 2 + (rod.width + other.width) / 2
        if np.hypot(rod.y - other.y, rod.x - other.x) > reach:
            continue
        apart = np.hypot(*(points[:, None] - other.axis_points()[None]).transpose(2, 0, 1)).min()
        if apart < (1 - _OVERLAP) * (rod.width + other.width) / 2:
            return False
    return True
