"""Whether two images of one field in two modalities lie on each other, and by how much they are shifted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError

Image = NDArray[np.float32]

LARGEST_SHIFT = 0.05
"""Share of the shorter side up to which a shift is mended."""
LEAST_AGREEMENT = 5.0
"""Deviations by which edges must agree better where they lie on each other than where they do not."""
_EDGE_SCALE = 2.0
_AS_GOOD = 0.85
"""Share of the agreement at which images stay where they are: edges of a rim and of what it bounds differ."""
_N_ELSEWHERE = 64
_LEAST_AWAY = 0.15


@dataclass(frozen=True, slots=True)
class Registration:
    """How two images of one field lie on each other.

    Parameters
    ----------
    shift
        Pixels along y and x by which the second has to be moved to lie on the first.
    agreement
        Correlation of the edges there, in standard deviations above that at shifts far away.
    """

    shift: tuple[int, int]
    agreement: float


def register(first: Image, second: Image) -> Registration:
    """Find the shift between two images of one field, (y, x) each, by phase correlation of their edges.

    Edges, as what is bright in one modality may be dark in the other, or filled and not a rim. The peak of a
    phase correlation is there for any two images; whether it means something is told by the correlation of
    the edges at this shift, compared with shifts that are far from it. After scikit-image's
    `phase_cross_correlation` (Guizar-Sicairos et al. 2008).
    """
    from skimage.registration import phase_cross_correlation

    a, b = _edges(first), _edges(second)
    found = phase_cross_correlation(a, b, normalization=None)[0]
    shift = (round(float(found[0])), round(float(found[1])))
    agreement, where_they_are = _agreement(a, b, shift), _agreement(a, b, (0, 0))
    is_there = where_they_are >= max(LEAST_AGREEMENT, _AS_GOOD * agreement)
    return Registration((0, 0), where_they_are) if is_there else Registration(shift, agreement)


def align_pair(first: Image, second: Image, name: str) -> tuple[Image, Image, tuple[int, int]]:
    """Return the part that two images of one field share, cut so that both lie on each other, and the shift.

    Raises
    ------
    InputError
        If nothing says that they show one field, or they are shifted by more than `LARGEST_SHIFT`.
    """
    found = register(first, second)
    if found.agreement < LEAST_AGREEMENT:
        raise InputError(
            f"the two images named {name!r} do not lie on each other, as no edges of one are found in "
            "the other: register them, or leave this pair out"
        )
    longest = max(map(abs, found.shift))
    if longest > LARGEST_SHIFT * min(first.shape):
        raise InputError(
            f"the two images named {name!r} are shifted by {found.shift[0]}, {found.shift[1]} pixels (y, x), "
            "which is too much to be mended: register them, or leave this pair out"
        )
    mine, its = zip(*(_overlap(n, s) for n, s in zip(first.shape, found.shift, strict=True)), strict=True)
    return np.ascontiguousarray(first[mine]), np.ascontiguousarray(second[its]), found.shift


def _overlap(length: int, shift: int) -> tuple[slice, slice]:
    """Return where two images overlap along an axis, in each of them, when the second is moved by `shift`."""
    return slice(max(0, shift), length + min(0, shift)), slice(max(0, -shift), length - max(0, shift))


def _edges(image: Image) -> Image:
    from scipy.ndimage import gaussian_gradient_magnitude

    edges = np.asarray(gaussian_gradient_magnitude(image, _EDGE_SCALE, mode="nearest"), np.float32)
    edges -= edges.mean()
    return edges


def _agreement(a: Image, b: Image, shift: tuple[int, int]) -> float:
    """Return the correlation of edges at a shift in deviations above those at shifts far from it."""
    rng = np.random.default_rng(0)
    sides = np.array(a.shape)
    away = rng.uniform(_LEAST_AWAY, 1 - _LEAST_AWAY, (_N_ELSEWHERE, 2)) * sides
    elsewhere = [_circular(a, b, np.array(shift) + one.astype(int)) for one in away]
    spread = max(float(np.std(elsewhere)), 1e-6)
    return (_circular(a, b, np.array(shift)) - float(np.mean(elsewhere))) / spread


def _circular(a: Image, b: Image, shift: NDArray[np.int64]) -> float:
    moved = np.roll(b, (int(shift[0]), int(shift[1])), (0, 1))
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.vdot(a, moved)) / norm if norm else 0.0
