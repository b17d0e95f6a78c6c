"""The few numbers that steer the decoding of affinities."""

from __future__ import annotations

from dataclasses import dataclass

from napari_graft.core.errors import InputError


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """Settings of decoding: how affinities become objects.

    Parameters
    ----------
    foreground_threshold
        A pixel can belong to an object where its foreground probability is above this, 0 to 1.
    attraction_bias
        Added to the affinities that join neighbouring pixels, -1 to 1: above 0 more is joined, below 0 more
        is kept apart.
    min_size
        An object needs as many core pixels; one with fewer is given to the neighbour that attracts it most,
        or removed where it has none.
    core_threshold
        A core pixel has a foreground probability above this, 0 to 1. Objects then reach out to
        `foreground_threshold`, but none is born in the doubtful foreground of membranes and background.
    least_solidity
        An object in a plane whose area is a smaller share of that of its convex hull is cut at its necks, 0
        to 1; see `cut_necks`. 0 cuts none.
    """

    foreground_threshold: float = 0.5
    attraction_bias: float = 0.0
    min_size: int = 25
    core_threshold: float = 0.7
    least_solidity: float = 0.0

    def __post_init__(self) -> None:
        for name in ("foreground_threshold", "core_threshold", "least_solidity"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name.replace('_', ' ')} {getattr(self, name)} must be between 0 and 1")
        if not -1 <= self.attraction_bias <= 1:
            raise InputError(f"attraction bias {self.attraction_bias} must be between -1 and 1")
        if self.min_size < 0:
            raise InputError(f"smallest object size {self.min_size} must be 0 or more pixels")
