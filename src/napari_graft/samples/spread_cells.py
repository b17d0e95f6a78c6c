"""Outlines of cells on glass: spindles, stars, fans, cobbles and rounded ones, alone or crowded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.appearance import Appearance
from napari_graft.samples.shapes import FloatArray, box_around, pixel_positions, smooth_field

_N_ANGLES = 180
_ANGLES = np.linspace(0, 2 * np.pi, _N_ANGLES, endpoint=False)


@dataclass(frozen=True, slots=True)
class SpreadCell:
    """A cell by its centre, the direction of its axis in radians and its outline in polar coordinates.

    `outline` holds the distance of the outline from the centre in pixels at angles from 0 to 2 pi, counted
    from the axis; `size` is the radius of a disc of the same area. A rounded cell lies on the others.
    """

    y: float
    x: float
    angle: float
    outline: NDArray[np.float64]
    size: float
    is_round: bool = False

    def distance(self, y: NDArray[np.floating], x: NDArray[np.floating]) -> FloatArray:
        """Return how far points lie from the centre: 1 on the outline, less inside."""
        rows, columns = y - self.y, x - self.x
        angle = np.arctan2(rows, columns) - self.angle
        radius = np.interp(angle.ravel(), _ANGLES, self.outline, period=2 * np.pi).reshape(angle.shape)
        return np.asarray(np.hypot(rows, columns) / radius, np.float32)


@dataclass(frozen=True, slots=True)
class Culture:
    """Cells on glass.

    Attributes
    ----------
    numbers
        (y, x), the number of each cell, from 1, in one piece; 0 is the ground.
    reach
        (y, x), how far from the middle of its cell a pixel lies, 1 on the outline of the cell.
    members
        The cells; the first has the number 1. Of a cell that others cover nothing may be left.
    """

    numbers: NDArray[np.int32]
    reach: FloatArray
    members: tuple[SpreadCell, ...]


def draw_culture(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> Culture:
    """Draw cells of one culture, from a few to a closed layer; where they meet they share the room.

    The radius of the appearance is that of a disc as large as a usual cell.
    """
    wobble = 0.25 * appearance.radius * appearance.waviness
    knots = (appearance.radius * 1.5, appearance.radius * 1.5)
    dy, dx = (wobble * smooth_field(shape, knots, rng) for _ in range(2))
    members = _place(shape, appearance, rng)
    numbers, reach = np.zeros(shape, np.int32), np.ones(shape, np.float32)
    nearest = np.ones(shape, np.float32)
    for number, cell in enumerate(members, start=1):
        box = box_around(cell.y, cell.x, float(cell.outline.max()) + 3 * wobble, shape)
        rows, columns = pixel_positions(box)
        distance = cell.distance(rows + dy[box], columns + dx[box])
        claim = distance - cell.is_round
        is_won = (distance < 1) & (claim < nearest[box])
        numbers[box][is_won] = number
        reach[box][is_won] = distance[is_won]
        nearest[box][is_won] = claim[is_won]
    _drop_fragments(numbers, members)
    return Culture(numbers, np.where(numbers > 0, reach, 1).astype(np.float32), tuple(members))


def _drop_fragments(numbers: NDArray[np.int32], members: Sequence[SpreadCell]) -> None:
    """Leave of each cell its largest piece, or nothing where others cover nearly all of it, in place."""
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        if box is None:
            continue
        pieces, _ = ndimage.label(numbers[box] == number)
        areas = np.bincount(pieces.ravel())[1:]
        largest = 1 + int(np.argmax(areas))
        if areas.max() < 0.15 * np.pi * members[number - 1].size ** 2:
            largest = -1
        numbers[box][(pieces > 0) & (pieces != largest)] = 0


@dataclass(frozen=True, slots=True)
class _Form:
    """What the outlines of one kind of cell are drawn from: ranges of uniform draws."""

    tips: tuple[int, int]
    sag: tuple[float, float]
    stretch: tuple[float, float]


_FORMS = (
    _Form((2, 2), (0.5, 1.8), (1.2, 2.4)),  # spindles
    _Form((3, 4), (0.3, 1.7), (1.0, 1.8)),  # stars
    _Form((3, 6), (-0.3, 0.4), (1.0, 2.0)),  # fans and sheets
    _Form((5, 8), (-0.05, 0.1), (1.0, 1.5)),  # cobbles
)


@dataclass(frozen=True, slots=True)
class _Habit:
    """How the cells of one culture lie: what they cover of the glass and how, and how many round up."""

    shares: NDArray[np.float64]
    cover: float
    closeness: float
    clumping: float
    disorder: float
    rounded: float


def _habit(rng: np.random.Generator) -> _Habit:
    shares = rng.dirichlet(np.full(len(_FORMS), 0.5))
    cover, closeness = 0.05 + rng.random() ** 1.5, rng.uniform(0.65, 1.0)
    if rng.random() < 0.2:  # a closed layer
        cover, closeness = rng.uniform(1.3, 2.0), rng.uniform(0.5, 0.65)
    clumping, disorder = rng.uniform(0.0, 0.8), rng.uniform(0.1, 1.5)
    return _Habit(
        shares, cover, closeness, clumping, disorder, float(rng.choice([0.0, rng.uniform(0.02, 0.3)]))
    )


def _place(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> list[SpreadCell]:
    """Return cells until they cover what they shall of the image; those that have rounded up come last."""
    habit = _habit(rng)
    direction = np.pi * smooth_field(shape, (6 * appearance.radius,) * 2, rng)
    cells: list[SpreadCell] = []
    taken = np.zeros((0, 3))
    area, wanted = 0.0, habit.cover * float(np.prod(shape))
    for _ in range(20 + int(8 * wanted / appearance.radius**2)):
        if area > wanted:
            break
        size = appearance.radius * float(np.exp(rng.normal(0, 0.4 * appearance.size_spread)))
        is_round = bool(rng.random() < habit.rounded)
        size *= rng.uniform(0.4, 0.65) if is_round else 1.0
        y, x = _somewhere(shape, taken, size, habit.clumping * habit.closeness, rng)
        if _is_taken(taken, y, x, size * habit.closeness):
            continue
        middle = direction[int(np.clip(y, 0, shape[0] - 1)), int(np.clip(x, 0, shape[1] - 1))]
        outline = _round_outline(rng) if is_round else _any_outline(habit.shares, rng)
        angle = middle + rng.normal(0, habit.disorder)
        cells.append(SpreadCell(y, x, angle, size * outline, size, is_round))
        taken = np.vstack([taken, [y, x, size * habit.closeness]])
        area += np.pi * size**2
    return sorted(cells, key=lambda cell: cell.is_round)


def _somewhere(
    shape: tuple[int, int], taken: NDArray[np.float64], size: float, clumping: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return a place for a cell, by chance one beside a cell that is there."""
    y, x = rng.uniform(-size / 2, np.asarray(shape) + size / 2)
    if len(taken) and rng.random() < clumping:
        beside = taken[int(rng.integers(len(taken)))]
        angle, apart = rng.uniform(0, 2 * np.pi), rng.uniform(0.8, 1.3) * (beside[2] + size)
        y, x = beside[:2] + apart * np.asarray([np.sin(angle), np.cos(angle)])
    return float(y), float(x)


def _is_taken(taken: NDArray[np.float64], y: float, x: float, room: float) -> bool:
    apart = np.hypot(taken[:, 0] - y, taken[:, 1] - x)
    return bool((apart < taken[:, 2] + room).any())


def _any_outline(shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return _outline(_FORMS[rng.choice(len(_FORMS), p=shares)], rng)


def _outline(form: _Form, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the outline of a cell that holds on to the glass at its tips, the area that of the unit disc.

    Between two places of adhesion the edge of a cell is an arc that bends inwards (Bischofs et al. 2008,
    Biophys J 95:3488), where it is spreading one that bends outwards.
    """
    n_tips = int(rng.integers(form.tips[0], form.tips[1] + 1))
    tips = (np.arange(n_tips) + rng.uniform(-0.35, 0.35, n_tips)) / n_tips
    heights, sags = rng.normal(0, 0.3, n_tips), rng.uniform(*form.sag, n_tips)
    turn = _ANGLES / (2 * np.pi)
    after = np.searchsorted(np.sort(tips), turn, side="right") % n_tips
    before = (after - 1) % n_tips
    gap = (tips[after] - tips[before]) % 1.0
    share = ((turn - tips[before]) % 1.0) / np.where(gap > 0, gap, 1.0)
    arc = np.clip(4 * share * (1 - share), 0, 1) ** rng.uniform(0.35, 1.0)
    log_radius = (1 - share) * heights[before] + share * heights[after] - sags[before] * arc
    outline = np.exp(log_radius + _roughness(rng.exponential(0.04), rng)) * _ellipse(form, rng)
    return np.asarray(outline / np.sqrt((outline**2).mean()))


def _ellipse(form: _Form, rng: np.random.Generator) -> NDArray[np.float64]:
    stretch = rng.uniform(*form.stretch)
    return np.asarray(1 / np.hypot(np.cos(_ANGLES) / stretch, np.sin(_ANGLES)))


def _round_outline(rng: np.random.Generator) -> NDArray[np.float64]:
    outline = np.exp(_roughness(rng.uniform(0.0, 0.04), rng))
    return np.asarray(outline / np.sqrt((outline**2).mean()))


def _roughness(strength: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a wave around the outline, of the given spread: ruffles and short processes."""
    orders = np.arange(3, 14)[:, None]
    waves = np.cos(orders * _ANGLES + rng.uniform(0, 2 * np.pi, orders.shape)) / orders
    wave = (waves * rng.normal(0, 1, orders.shape)).sum(axis=0)
    return np.asarray(strength * wave / max(float(wave.std()), 1e-6))
