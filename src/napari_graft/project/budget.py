"""What a project has cost so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProjectCost:
    """Cost of a project so far: annotated tiles, runs and training time.

    Parameters
    ----------
    n_tiles, n_pixels
        Annotated tiles and the pixels in them.
    fraction
        Share of the image that these are, 0 to 1.
    n_runs, seconds
        Runs, and the seconds that they trained.
    """

    n_tiles: int
    n_pixels: int
    fraction: float
    n_runs: int
    seconds: float
