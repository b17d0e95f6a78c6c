"""The few numbers that steer the decoding of affinities."""

from __future__ import annotations

from dataclasses import dataclass

from napari_graft.core.errors import InputError


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """Say how affinities become objects.

    Parameters
    ----------
    foreground_threshold
        A pixel can belong to an object where its foreground probability is above this, 0 to 1.
    attraction_bias
        Added to the affinities that join neighbouring pixels, -1 to 1: above 0 more is joined, below 0 more
        is kept apart.
    min_size
        Objects of fewer pixels are given to the neighbour that attracts them most, or removed.
    """

    foreground_threshold: float = 0.5
    attraction_bias: float = 0.0
    min_size: int = 25

    def __post_init__(self) -> None:
        if not 0 <= self.foreground_threshold <= 1:
            raise InputError(f"foreground threshold {self.foreground_threshold} must be between 0 and 1")
        if not -1 <= self.attraction_bias <= 1:
            raise InputError(f"attraction bias {self.attraction_bias} must be between -1 and 1")
        if self.min_size < 0:
            raise InputError(f"smallest object size {self.min_size} must be 0 or more pixels")
