"""The distance of the images, seen by the source's own encoder (NeuroADDA)."""

from __future__ import annotations

from napari_graft.scorers.sighting import Sighting


def closeness(sighting: Sighting) -> float | None:
    """Return minus z of the MMD² between the target's and the source's tiles; see `Distance`."""
    return None if sighting.distance is None else -sighting.distance.z
