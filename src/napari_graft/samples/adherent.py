"""Generated images of adherent mammalian cells, as transmitted light shows them."""

from __future__ import annotations

from collections.abc import Callable
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
from napari_graft.samples.optics import bright_field, interference_contrast, phase_contrast
from napari_graft.samples.shapes import Ellipse, FloatArray, box_around, grain, pixel_positions, smooth_field
from napari_graft.samples.spread_cells import Culture, SpreadCell, draw_culture


def generate_adherent_cells(
    shape: tuple[int, int], rng: np.random.Generator, appearance: Appearance | None = None
) -> GeneratedImage:
    """Generate a (y, x) image of cells on glass in phase contrast, DIC or bright field, with its truth.

    The cells are drawn as a map of optical thickness, of which each instrument makes its image by its own
    optics. The objects are whole cells; they may touch in the image, in the truth a line of background lies
    between them. An appearance of None draws one at random; of it the radius, the spread of sizes, waviness
    and texture count, and what the camera does.
    """
    appearance = appearance or _random_appearance(rng)
    culture = draw_culture(shape, appearance, rng)
    phase = draw_thickness(culture, appearance, rng) + draw_debris(shape, appearance.radius, rng)
    look = _INSTRUMENTS[int(rng.choice(len(_INSTRUMENTS), p=_CHANCES))]
    scene = look(phase, appearance, rng)
    regions = np.where(touching_edges(culture.numbers), 0, culture.numbers).astype(np.int32)
    return GeneratedImage(photograph(scene[None], appearance, rng)[0], connected_truth(regions[None])[0])


def _random_appearance(rng: np.random.Generator) -> Appearance:
    """Draw an appearance with cells large enough for what lies in them, few inverted, by a quiet camera."""
    drawn = random_appearance(rng)
    return replace(
        drawn,
        radius=float(np.exp(rng.uniform(np.log(12.0), np.log(34.0)))),
        blur=0.7 * drawn.blur,
        noise=0.4 * drawn.noise,
        shot_noise=0.4 * drawn.shot_noise,
        artefacts=0.0,  # those of electron microscopes
        inverted=bool(rng.random() < 0.12),
    )


def draw_thickness(culture: Culture, appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Draw the optical thickness of cells, (y, x) in radians; 0 on the glass between them."""
    numbers, shape = culture.numbers, culture.numbers.shape
    is_cell = numbers > 0
    depth = ndimage.distance_transform_edt(is_cell & ~touching_edges(numbers))
    edge = np.clip(depth / rng.uniform(1.0, 4.0), 0, 1)
    spread = _per_cell(numbers, 0.1, rng.uniform(0.2, 0.6), rng)
    heap = _per_cell(numbers, 0.1, rng.uniform(0.2, 1.2), rng) * np.exp(-((culture.reach / 0.5) ** 2))
    uneven = 1 + 0.3 * smooth_field(shape, (appearance.radius * 0.7,) * 2, rng)
    ruffles = np.clip(smooth_field(shape, (appearance.radius * 0.6,) * 2, rng) - rng.uniform(-0.5, 1.0), 0, 2)
    ruffles = rng.uniform(0.1, 0.7) * ruffles * np.exp(-(((depth - 2) / rng.uniform(1.0, 2.5)) ** 2))
    inside = _inside(culture, appearance, rng)
    flat = edge * (spread * uneven + heap + ruffles + inside)
    ball = _per_cell(numbers, 1.0, rng.uniform(2.0, 6.0), rng) * np.sqrt(np.clip(1 - culture.reach**2, 0, 1))
    is_round = np.asarray([False, *(cell.is_round for cell in culture.members)])[numbers]
    return np.asarray(np.where(is_round, ball + 0.5 * inside * edge, flat) * is_cell, np.float32)


def _per_cell(numbers: NDArray[np.int32], low: float, high: float, rng: np.random.Generator) -> FloatArray:
    return np.asarray(rng.uniform(low, high, int(numbers.max()) + 1).astype(np.float32)[numbers], np.float32)


def _inside(culture: Culture, appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Draw what nuclei, granules around them and the texture of the cytoplasm add to the thickness."""
    shape = culture.numbers.shape
    nucleus = _nuclear_distance(culture, rng)
    is_nucleus = 0.5 * (1 - np.tanh(6 * (nucleus - 1)))
    envelope = rng.uniform(0.0, 0.3) * np.exp(-(((nucleus - 1) / 0.15) ** 2))
    size = max(1.2, rng.uniform(0.04, 0.08) * appearance.radius)
    nucleoli = rng.uniform(0.2, 1.2) * _spots(shape, 0.13 * appearance.radius, rng.uniform(0.8, 1.8), rng)
    near = np.exp(-((np.clip(nucleus - 1, 0, None) / rng.uniform(0.4, 1.5)) ** 2)) * (1 - is_nucleus)
    granules = rng.uniform(0.1, 0.8) * _spots(shape, size, rng.uniform(0.8, 2.0), rng) * near
    vacuoles = rng.uniform(0.0, 1.2) * _spots(shape, 1.5 * size, rng.uniform(1.9, 3.2), rng) * near
    texture = 2 * appearance.texture * grain(shape, rng.uniform(0.8, 2.5), rng)
    step = rng.uniform(-0.2, 0.15)
    return np.asarray((step + nucleoli) * is_nucleus + envelope + granules - vacuoles + texture, np.float32)


def _spots(shape: tuple[int, ...], size: float, rareness: float, rng: np.random.Generator) -> FloatArray:
    """Draw round spots of height 1 or less, the fewer the higher `rareness`."""
    return np.asarray(np.clip(2 * (smooth_field(shape, (size, size), rng) - rareness), 0, 1), np.float32)


def _nuclear_distance(culture: Culture, rng: np.random.Generator) -> FloatArray:
    """Return how far pixels of a cell lie from the middle of its nucleus, 1 on the rim of the nucleus."""
    distance = np.full(culture.numbers.shape, 9.0, np.float32)
    share = rng.uniform(0.3, 0.5)
    for number, cell in enumerate(culture.members, start=1):
        nucleus = _nucleus(cell, share * rng.uniform(0.85, 1.15), rng)
        box = box_around(cell.y, cell.x, float(cell.outline.max()) * 1.5, culture.numbers.shape)
        is_own = culture.numbers[box] == number
        distance[box][is_own] = nucleus.distance(*pixel_positions(box))[is_own]
    return distance


def _nucleus(cell: SpreadCell, share: float, rng: np.random.Generator) -> Ellipse:
    radius, slender = share * cell.size, rng.uniform(1.0, 1.5)
    y, x = np.asarray([cell.y, cell.x]) + rng.normal(0, 0.15 * cell.size, 2)
    return Ellipse(y, x, radius / np.sqrt(slender), radius * np.sqrt(slender), cell.angle)


def draw_debris(shape: tuple[int, int], radius: float, rng: np.random.Generator) -> FloatArray:
    """Draw what lies about on the glass and on the cells and is no object, as optical thickness.

    Specks, crumbs and footprints that are much smaller than a cell of the given radius, rings of what is far
    out of focus, and a film.
    """
    debris = rng.exponential(0.01) * smooth_field(shape, (rng.uniform(1.0, 6.0),) * 2, rng)
    for _ in range(int(rng.choice([0, 1, 2]))):
        debris = debris + _specks(shape, rng)
    for _ in range(int(rng.choice([0, 1, 2]))):
        size = radius * rng.uniform(0.08, 0.25)
        crumbs = _spots(shape, size, rng.uniform(1.8, 3.0), rng) * (1 + grain(shape, 1.0, rng))
        debris = debris + rng.uniform(-0.2, 0.5) * crumbs
    if rng.random() < 0.4:
        debris = debris + _rings(shape, radius, rng)
    return np.asarray(debris, np.float32)


def _specks(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    sigma, n = rng.uniform(0.7, 2.5), int(rng.exponential(0.0005) * np.prod(shape))
    points = np.zeros(shape, np.float32)
    points[rng.integers(shape[0], size=n), rng.integers(shape[1], size=n)] = rng.uniform(-0.5, 1.5, n)
    blurred = ndimage.gaussian_filter(points, sigma, truncate=3.0)
    return np.asarray(2 * np.pi * sigma**2 * blurred, np.float32)


def _rings(shape: tuple[int, int], radius: float, rng: np.random.Generator) -> FloatArray:
    """Draw faint circles, some of them with a dot or another circle inside."""
    rings = np.zeros(shape, np.float32)
    for _ in range(1 + int(rng.exponential(0.00005) * np.prod(shape))):
        y, x = rng.random(2) * np.asarray(shape)
        wide, line = radius * rng.uniform(0.3, 1.3), rng.uniform(1.0, 3.0)
        box = box_around(y, x, wide + 4 * line, shape)
        rows, columns = pixel_positions(box)
        far = np.hypot(rows - y, columns - x)
        inner = wide * rng.choice([0.0, rng.uniform(0.4, 0.8)])
        ring = np.exp(-(((far - wide) / line) ** 2)) + rng.random() * np.exp(-(((far - inner) / line) ** 2))
        rings[box] += rng.uniform(-0.2, 0.2) * ring
    return rings


_Instrument = Callable[[FloatArray, Appearance, np.random.Generator], FloatArray]


def _in_phase_contrast(phase: FloatArray, appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    ring = appearance.radius * rng.uniform(0.1, 0.6)
    shown = phase_contrast(rng.uniform(0.5, 1.2) * phase, ring, rng.uniform(0.4, 0.9))
    return _exposed(shown, phase > 0, rng.uniform(0.25, 0.55), rng)


def _in_interference_contrast(
    phase: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    smooth = ndimage.gaussian_filter(phase, rng.uniform(0.5, 1.5), truncate=3.0)
    shown = interference_contrast(smooth, rng.uniform(1.0, 4.0), rng.uniform(0, 2 * np.pi))
    return _exposed(shown, phase > 0, rng.uniform(0.4, 0.6), rng)


def _in_bright_field(phase: FloatArray, appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    defocus = rng.uniform(2.0, 0.12 * appearance.radius**2 + 8.0) * rng.choice([-1.0, 1.0])
    shown = bright_field(rng.uniform(0.5, 1.0) * phase, defocus)
    absorbed = np.exp(-rng.uniform(0.0, 0.2) * np.clip(phase, 0, None))
    return _exposed(shown * absorbed, phase > 0, rng.uniform(0.4, 0.65), rng)


def _exposed(
    shown: FloatArray, is_cell: NDArray[np.bool_], ground: float, rng: np.random.Generator
) -> FloatArray:
    """Return the scene in greys of about 0..1: empty glass at `ground`, a little uneven, cells to be seen."""
    cloudy = 1 + rng.uniform(0.0, 0.1) * smooth_field(shown.shape, (40.0, 40.0), rng)
    contrast = float(np.abs(shown - 1)[is_cell].mean()) if is_cell.any() else 1.0
    gain = rng.uniform(0.15, 0.4) / max(contrast, 0.03)
    return np.asarray(ground * cloudy * (1 + gain * (shown - 1)), np.float32)


_INSTRUMENTS: tuple[_Instrument, ...] = (_in_phase_contrast, _in_interference_contrast, _in_bright_field)
_CHANCES = (0.6, 0.2, 0.2)
