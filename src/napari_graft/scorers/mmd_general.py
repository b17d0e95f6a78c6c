"""The distance of the images, seen by one encoder for all sources."""

from __future__ import annotations

from napari_graft.fingerprints.distance import distance
from napari_graft.scorers.sighting import ScoringContext


def general_closeness(context: ScoringContext) -> float | None:
    """Return minus the MMD² in the common encoder.

    All sources are measured with one ruler, so the values themselves are compared and not how far they
    exceed the scatter within each source, of which a source of few alike images has little.
    """
    stored = context.source.load_general_fingerprint()
    features = context.target.general_features(context.network.spec)
    if stored is None or features is None:
        return None
    return -distance(stored, features).mmd2
