"""Putting sources in the order in which to try them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from napari_graft.fingerprints.distance import Distance

# Structures that look alike enough for a source of one to start the other: the name of the family of each.
FAMILIES = {
    "neurites": "neurites", "axons": "neurites", "nuclei": "cells", "cells": "cells",
    "mitochondria": "organelles", "organelles": "organelles",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceScore:
    """Say how well a source suits a target.

    Parameters
    ----------
    source_id
        Name of the source.
    mmd2, z, p_value, verdict
        As in `Distance`.
    consistency
        Agreement of the source's predictions on perturbed images, between 0 and 1, None where not measured.
    few_shot
        Score on the annotated tiles, None where there are none.
    same_structure
        Whether the source segments the wanted structure or one of its family; True where none is wanted.
    remedy
        What may bring the target closer, in words, or None.
    """

    source_id: str
    mmd2: float
    z: float
    p_value: float
    consistency: float | None
    few_shot: float | None
    verdict: str
    same_structure: bool
    remedy: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Carry what is known of sources beside their distance, each by source id; what is missing is not known.

    Parameters
    ----------
    consistency, few_shot, remedies
        See `SourceScore`.
    """

    consistency: Mapping[str, float]
    few_shot: Mapping[str, float]
    remedies: Mapping[str, str]


NO_EVIDENCE = Evidence({}, {}, {})


def rank(
    distances: Mapping[str, Distance],
    structures: Mapping[str, str],
    wanted: str | None,
    evidence: Evidence = NO_EVIDENCE,
) -> list[SourceScore]:
    """Return the sources best first: of the wanted structure, of its family, all others; in each by rising z.

    A network that was taught another structure gives a poor start however alike the images are, hence the
    structure comes first. The name decides between equal z.

    Parameters
    ----------
    distances
        Distance of the target to each source, by source id.
    structures
        What each of these sources segments.
    wanted
        What the user wants to segment, None where that is not known.
    evidence
        Other measurements, which are passed on and do not change the order.
    """
    scores = [
        SourceScore(
            source_id=source_id,
            mmd2=found.mmd2,
            z=found.z,
            p_value=found.p_value,
            consistency=evidence.consistency.get(source_id),
            few_shot=evidence.few_shot.get(source_id),
            verdict=found.verdict,
            same_structure=wanted is None or _family(structures[source_id]) == _family(wanted),
            remedy=evidence.remedies.get(source_id),
        )
        for source_id, found in distances.items()
    ]

    def place(score: SourceScore) -> tuple[bool, bool, float, str]:
        is_other = wanted is not None and structures[score.source_id] != wanted
        return not score.same_structure, is_other, score.z, score.source_id

    return sorted(scores, key=place)


def _family(structure: str) -> str:
    return FAMILIES.get(structure, structure)
