"""The distance of the images, seen by the source's own encoder (NeuroADDA)."""

from __future__ import annotations

from napari_graft.scorers.sighting import ScoringContext


def closeness(context: ScoringContext) -> float | None:
    """Return minus z of the MMD² between the target's and the source's tiles; see `Distance`."""
    return None if context.distance is None else -context.distance.z
