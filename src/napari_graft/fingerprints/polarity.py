"""Noticing images whose contrast is the other way round."""

from __future__ import annotations

from napari_graft.fingerprints.distance import LIKE_OWN_LIMIT, Distance

CLEARLY_CLOSER = 0.5
SMALLEST_GAIN = 5.0


def polarity_remedy(normal: Distance, inverted: Distance) -> str | None:
    """Return advice to invert the target where that brings it clearly closer to a source, else None.

    Clearly closer: the target is not like the source's own data, and inverting it at least halves z and
    lowers it by at least 5 null deviations, more than two draws of one null differ.

    Parameters
    ----------
    normal, inverted
        Distances of one source to the same tiles as they are and with light and dark swapped.
    """
    gain = normal.z - inverted.z
    is_closer = gain >= SMALLEST_GAIN and inverted.z <= CLEARLY_CLOSER * normal.z
    if normal.z <= LIKE_OWN_LIMIT or not is_closer:
        return None
    return (
        "the contrast looks inverted compared with the images this source was trained on: "
        f"invert the image (z falls from {normal.z:.0f} to {inverted.z:.0f})"
    )
