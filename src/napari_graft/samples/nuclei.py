"""Where nuclei lie in a tissue or a smear, and how they are shaped."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_graft.samples.appearance import Appearance
from napari_graft.samples.shapes import Ellipse, FloatArray, smooth_field

_FORMS = ((0.08, 0.45), (0.45, 0.35), (1.6, 0.2))
"""Mean of how much longer than wide round, oval and spindle-shaped nuclei are, and how usual each kind is."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Nuclei of an image, and what they lie in.

    Parameters
    ----------
    nuclei
        In no order; they may overlap a little, and reach beyond the image.
    cells
        Cells of a smear, each far wider than a nucleus; none in a tissue.
    is_open
        (y, x), where there is nothing: lumina of glands, fat, tears.
    """

    nuclei: tuple[Ellipse, ...]
    cells: tuple[Ellipse, ...]
    is_open: NDArray[np.bool_]


class _Crowd:
    """Ellipses that keep off each other."""

    def __init__(self, tightness: float) -> None:
        self.tightness = tightness
        self.members: list[Ellipse] = []
        self._table = np.zeros((0, 5))

    def add(self, one: Ellipse) -> bool:
        """Take an ellipse in, unless it would overlap one that is there by too much."""
        if self._is_crowded(one):
            return False
        self.members.append(one)
        self._table = np.vstack([self._table, [one.y, one.x, one.short, one.long, one.angle]])
        return True

    def _is_crowded(self, one: Ellipse) -> bool:
        """Two ellipses of distances a and b from each other's centre touch where ``1/a + 1/b = 1``."""
        y, x, short, long, angle = self._table.T
        rows, columns = one.y - y, one.x - x
        along = rows * np.sin(angle) + columns * np.cos(angle)
        across = rows * np.cos(angle) - columns * np.sin(angle)
        theirs = np.hypot(along / long, across / short)
        ours = one.distance(y, x)
        nearness = 1 / np.maximum(theirs, 1e-6) + 1 / np.maximum(ours, 1e-6)
        return bool((nearness > 1 / self.tightness).any())


def lay_out_tissue(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> Layout:
    """Scatter nuclei through tissue: around glands, along fibres, alone and in clumps.

    The radius of the appearance is that of a disc as large as a usual nucleus.
    """
    crowd = _Crowd(rng.uniform(0.68, 1.08))
    is_open = smooth_field(shape, (45.0, 45.0), rng) > rng.choice([rng.uniform(0.3, 1.5), 9.0])
    if rng.random() < 0.35:
        is_open |= _add_glands(crowd, shape, appearance, rng)
    style = _Style.draw(shape, rng)
    fill = rng.uniform(0.06, 0.7)
    wanted = 1 + int(fill * np.prod(shape) / (np.pi * appearance.radius**2))
    clumping = rng.uniform(0.0, 0.95)
    crowd.add(style.nucleus(0.5 * shape[0], 0.5 * shape[1], appearance, rng))
    for _ in range(3 * wanted):
        if len(crowd.members) >= wanted:
            break
        y, x = rng.random(2) * np.asarray(shape)
        if rng.random() < clumping:
            y, x = _beside(crowd.members[int(rng.integers(len(crowd.members)))], rng)
        inside = 0 <= y < shape[0] and 0 <= x < shape[1]
        if inside and not is_open[int(y), int(x)]:
            crowd.add(style.nucleus(y, x, appearance, rng))
    return Layout(tuple(crowd.members), (), is_open)


@dataclass(frozen=True, slots=True)
class _Style:
    """Forms of the nuclei of one image, and the direction in which they lie."""

    forms: NDArray[np.float64]
    spread: float
    angle: FloatArray
    disorder: float

    @classmethod
    def draw(cls, shape: tuple[int, int], rng: np.random.Generator) -> _Style:
        forms = rng.dirichlet([6 * share for _, share in _FORMS])
        angle = rng.uniform(0, np.pi) + rng.uniform(0.1, 1.0) * smooth_field(shape, (60.0, 60.0), rng)
        return cls(forms, rng.uniform(0.1, 0.4), np.asarray(angle, np.float32), rng.uniform(0.1, 1.5))

    def nucleus(self, y: float, x: float, appearance: Appearance, rng: np.random.Generator) -> Ellipse:
        radius = appearance.radius * float(np.exp(rng.normal(0, self.spread)))
        stretch = 1 + rng.exponential(_FORMS[int(rng.choice(len(_FORMS), p=self.forms))][0])
        stretch = min(float(stretch), 5.0)
        row, column = (int(np.clip(at, 0, n - 1)) for at, n in zip((y, x), self.angle.shape, strict=True))
        angle = float(self.angle[row, column]) + rng.normal(0, self.disorder)
        bend = rng.normal(0, 0.12)
        return Ellipse(y, x, radius / np.sqrt(stretch), radius * np.sqrt(stretch), angle, bend)


def _beside(other: Ellipse, rng: np.random.Generator) -> tuple[float, float]:
    angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(1.4, 2.4)
    along, across = away * other.long * np.cos(angle), away * other.short * np.sin(angle)
    sine, cosine = np.sin(other.angle), np.cos(other.angle)
    return other.y + along * sine + across * cosine, other.x + along * cosine - across * sine


def _add_glands(
    crowd: _Crowd, shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Put nuclei around glands, their long axes towards the lumen; return where the lumina are."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    is_lumen = np.zeros(shape, np.bool_)
    for _ in range(int(rng.integers(1, 5))):
        y, x = rng.random(2) * np.asarray(shape)
        lumen = appearance.radius * rng.uniform(0.5, 4.0)
        squeeze, turn = rng.uniform(0.5, 1.0), rng.uniform(0, np.pi)
        gland = Ellipse(y, x, lumen * squeeze, lumen, turn)
        is_lumen |= gland.distance(rows, columns) < 1
        stretch = rng.uniform(1.0, 2.4)
        for layer in range(int(rng.integers(1, 4))):
            away = lumen + appearance.radius * (rng.uniform(1.3, 2.6) + 1.9 * layer)
            for angle in np.arange(0, 2 * np.pi, 1.5 * appearance.radius / away):
                outer = replace(gland, short=away * squeeze, long=away)
                crowd.add(_around(outer, angle + rng.normal(0, 0.1), stretch, appearance, rng))
    return is_lumen


def _around(
    gland: Ellipse, angle: float, stretch: float, appearance: Appearance, rng: np.random.Generator
) -> Ellipse:
    along, across = gland.long * np.cos(angle), gland.short * np.sin(angle)
    dy = along * np.sin(gland.angle) + across * np.cos(gland.angle)
    dx = along * np.cos(gland.angle) - across * np.sin(gland.angle)
    radius = appearance.radius * float(np.exp(rng.normal(0, 0.12)))
    radial = float(np.arctan2(dy, dx)) + rng.normal(0, 0.2)
    return Ellipse(gland.y + dy, gland.x + dx, radius / np.sqrt(stretch), radius * np.sqrt(stretch), radial)


def lay_out_smear(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> Layout:
    """Scatter wide cells that partly overlap, a nucleus near the middle of each, and some anywhere."""
    radius = appearance.radius
    wide = radius * rng.uniform(3.0, 6.0)
    clumping = rng.uniform(0.0, 0.9)
    cells, nuclei = _Crowd(rng.uniform(0.4, 0.85)), _Crowd(0.9)
    for _ in range(max(3, int(rng.uniform(0.4, 2.0) * np.prod(shape) / (np.pi * wide**2)))):
        y, x = rng.random(2) * np.asarray(shape)
        if cells.members and rng.random() < clumping:
            y, x = _beside(cells.members[int(rng.integers(len(cells.members)))], rng)
        size = wide * float(np.exp(rng.normal(0, 0.2)))
        if cells.add(Ellipse(y, x, size * rng.uniform(0.6, 1), size, rng.uniform(0, np.pi))):
            y, x = np.asarray([y, x]) + 0.15 * size * rng.standard_normal(2)
            nuclei.add(_smeared(y, x, radius * float(np.exp(rng.normal(0, 0.15))), rng))
    nuclei.add(_smeared(0.5 * shape[0], 0.5 * shape[1], radius, rng))
    for _ in range(int(rng.integers(0, 5))):
        y, x = rng.random(2) * np.asarray(shape)
        for _ in range(int(1 + rng.exponential(3))):
            small = radius * rng.uniform(0.4, 0.8)
            dy, dx = 1.3 * radius * rng.standard_normal(2)
            nuclei.add(_smeared(y + dy, x + dx, small, rng))
    return Layout(tuple(nuclei.members), tuple(cells.members), np.ones(shape, np.bool_))


def _smeared(y: float, x: float, radius: float, rng: np.random.Generator) -> Ellipse:
    stretch = float(1 + rng.exponential(0.25))
    return Ellipse(y, x, radius / np.sqrt(stretch), radius * np.sqrt(stretch), rng.uniform(0, np.pi))
