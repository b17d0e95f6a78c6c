"""Diagnosis of a domain shift: pixel size or noise, and not biology, may set a target apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_graft.fingerprints.distance import LIKE_OWN_LIMIT
from napari_graft.scorers.scoring_context import Images, ScoringContext

Kind = Literal["rescale", "smooth"]
CLEARLY_CLOSER = 0.5
SMALLEST_GAIN = 5.0
_BLUR = 1.0
"""Deviation in pixels of what smooths the image."""
_TRIALS: tuple[tuple[Kind, float], ...] = (("smooth", 1), ("rescale", 0.5), ("rescale", 2))


@dataclass(frozen=True, slots=True)
class DomainShift:
    """Domain shift: the change of scale or noise that brings a target clearly closer to a source.

    Parameters
    ----------
    kind
        What to do with the image.
    factor
        Of a rescaling: above 1 the image is enlarged.
    z_before, z_after
        Distance of the image as it is, and after the correction.
    """

    kind: Kind
    factor: float
    z_before: float
    z_after: float

    @property
    def words(self) -> str:
        """The finding and the advice."""
        change = f"(z falls from {self.z_before:.0f} to {self.z_after:.0f})"
        if self.kind == "smooth":
            return f"the image is noisier than those this source was trained on: smooth it {change}"
        size = "smaller" if self.factor > 1 else "larger"
        return (
            f"things look {size} than in the images this source was trained on: check the pixel size, or "
            f"rescale the image by {self.factor:g} {change}"
        )


def diagnose_domain_shift(context: ScoringContext) -> DomainShift | None:
    """Return the domain shift whose correction brings the target closest, None where none is clear.

    Clear: the target is not like the source's own data, and the correction at least halves z and lowers
    it by at least 5 null deviations, more than two draws of one null differ.

    Parameters
    ----------
    context
        The source and the target.

    Raises
    ------
    Cancelled
        Between two tiles, when asked to stop.
    """
    normal = context.distance
    if normal is None or normal.z <= LIKE_OWN_LIMIT:
        return None
    found = []
    for kind, factor in _TRIALS:
        z = context.distance_of(context.features_of(_changed(context, kind, factor))).z
        if is_clear_gain(normal.z, z):
            found.append(DomainShift(kind, factor, normal.z, z))
    return min(found, key=lambda shift: shift.z_after, default=None)


def is_clear_gain(before: float, after: float) -> bool:
    """Say whether one z is clearly below another; see `diagnose_domain_shift`."""
    return before - after >= SMALLEST_GAIN and after <= CLEARLY_CLOSER * before


def _changed(context: ScoringContext, kind: Kind, factor: float) -> Images:
    if kind == "rescale":
        return context.target.tiles(context.network.spec, factor)
    return [_smooth(image) for image in context.tiles]


def _smooth(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(gaussian_filter(image, _BLUR), np.float32)
