"""Putting sources in the order in which to try them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import rankdata

from napari_graft.fingerprints.distance import LIKE_OWN, NEAR, Distance
from napari_graft.scorers.domain_shift import DomainShift
from napari_graft.scorers.outlook import BARELY_CONSISTENT
from napari_graft.scorers.polarity import outvoted
from napari_graft.scorers.registry import ON_IMAGE, ON_TILES

# Structures that look alike enough for a source of one to start the other: the name of the family of each.
FAMILIES = {
    "neurites": "neurites", "axons": "neurites", "nuclei": "cells", "cells": "cells",
    "mitochondria": "organelles", "organelles": "organelles",
}  # fmt: skip
DECIDING = (ON_IMAGE, ON_TILES)
"""Groups of scorers that decide the order: what is seen on the user's tiles counts as much as all else."""
CLEARLY_LESS = 0.1
"""Difference of two consistencies that tells which source knows an image."""
UNKNOWN = "not measured"
"""Verdict on a source without a fingerprint."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence on one source: its distance, and the reading of each scorer.

    Parameters
    ----------
    structure
        What it segments.
    distance
        Of the target to its training images, None where it has no fingerprint.
    readings
        What each scorer measured, by name, higher is better; what is missing is not known.
    remedy
        What may bring the target closer, None where nothing is known to.
    contrast
        How much brighter than their surroundings the objects are that it finds; see `contrast`.
    """

    structure: str
    distance: Distance | None
    readings: Mapping[str, float] = field(default_factory=dict)
    remedy: DomainShift | None = None
    contrast: float | None = None


@dataclass(frozen=True, slots=True)
class SourceScore:
    """Score of one source on one target.

    Parameters
    ----------
    source_id
        Name of the source.
    evidence
        All that was measured.
    same_structure
        Whether the source segments the wanted structure or one of its family; True where none is wanted.
    combined
        Combined rank of the source in its group (`combined_ranks`), 0 the best to 1 the last; None where
        nothing was measured.
    """

    source_id: str
    evidence: Evidence
    same_structure: bool
    combined: float | None

    @property
    def verdict(self) -> str:
        """How close the images are, in words.

        None is called like the source's own data where what the source finds changes with a little noise.
        """
        if self.evidence.distance is None:
            return UNKNOWN
        consistency = self.evidence.readings.get("consistency", 1.0)
        closest = LIKE_OWN if consistency >= BARELY_CONSISTENT else NEAR
        return closest if self.evidence.distance.verdict == LIKE_OWN else self.evidence.distance.verdict

    @property
    def advice(self) -> str | None:
        """What may bring the target closer, in words."""
        return None if self.evidence.remedy is None else self.evidence.remedy.words


def rank(evidence: Mapping[str, Evidence], wanted: str | None) -> list[SourceScore]:
    """Return the sources best first: of the wanted structure, of its family, all others.

    A network that was taught another structure gives a poor start however alike the images are, hence the
    structure comes first, as long as it is all that is known: see `counts_family_alike`. Within such a group
    the combined rank decides (`combined_ranks`), then the name.

    Parameters
    ----------
    evidence
        What is known of each source, by its id.
    wanted
        What the user wants to segment, None where that is not known.
    """
    groups: dict[int, list[str]] = {0: [], 1: [], 2: []}
    is_alike = counts_family_alike(evidence, wanted)
    for source_id in sorted(evidence):
        group = _group(evidence[source_id].structure, wanted)
        groups[0 if is_alike and group == 1 else group].append(source_id)
    scores = []
    for group, members in groups.items():
        places = _outvoted_last(
            combined_ranks({one: evidence[one].readings for one in members}, DECIDING),
            {one: evidence[one] for one in members},
        )
        ordered = in_order(members, places)
        scores += [SourceScore(one, evidence[one], group < 2, places.get(one)) for one in ordered]
    return scores


def _outvoted_last(places: Mapping[str, float], evidence: Mapping[str, Evidence]) -> dict[str, float]:
    """Return the places within the first half, those of sources that are outvoted within the last.

    Where all are of one opinion, or scores on tiles tell more, the places stay as they are. See `outvoted`.
    """
    readings = {one: known.readings for one, known in evidence.items()}
    weights = {one: known.get("consistency", 0.0) for one, known in readings.items()}
    alone = outvoted({one: known.contrast for one, known in evidence.items()}, weights)
    if not alone or _are_judged_on_tiles(readings, ON_TILES):
        return dict(places)
    return {one: (place + (one in alone)) / 2 for one, place in places.items()}


def counts_family_alike(evidence: Mapping[str, Evidence], wanted: str | None) -> bool:
    """Say whether sources of the family count like those of the wanted structure itself.

    They do where something was seen that says more than the name of the structure: scores on annotated
    tiles, or that every source of the structure guesses (`BARELY_CONSISTENT`).

    Parameters
    ----------
    evidence
        What is known of each source, by its id; of those of the structure at least.
    wanted
        What the user wants to segment, None where that is not known.
    """
    exact = [one.readings for one in evidence.values() if _group(one.structure, wanted) == 0]
    is_seen_on_tiles = any(name in one.readings for one in evidence.values() for name in ON_TILES)
    return is_seen_on_tiles or all(one.get("consistency", 1.0) < BARELY_CONSISTENT for one in exact)


def nearest_kind(structures: Mapping[str, str], wanted: str | None) -> list[str]:
    """Return the sources of the nearest structure, of which `rank` puts one first unless they guess.

    Parameters
    ----------
    structures
        What each source segments, by its id.
    wanted
        What the user wants to segment, None where that is not known: then all are returned.
    """
    groups = {source_id: _group(structure, wanted) for source_id, structure in structures.items()}
    nearest = min(groups.values(), default=0)
    return [source_id for source_id, group in groups.items() if group == nearest]


def of_family(structures: Mapping[str, str], wanted: str | None) -> list[str]:
    """Return the sources of the wanted structure and of its family; see `nearest_kind`."""
    return [source_id for source_id, structure in structures.items() if _group(structure, wanted) < 2]


def in_order(sources: Iterable[str], places: Mapping[str, float]) -> list[str]:
    """Return sources best first by their combined ranks, then by name; those not measured come last."""
    return sorted(sources, key=lambda one: (places.get(one, 2.0), one))


def combined_ranks(
    readings: Mapping[str, Mapping[str, float]], groups: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Return the mean place of each source by some groups of scorers: 0 the best, 1 the last.

    The scorers' numbers have no common scale, hence the places (Borda's count). They are averaged over the
    scorers of a group, and these means over the groups, each of which counts alike. A scorer that measured
    fewer than two sources has no say; a source that a scorer could not measure is judged by the others.

    Before there is a tile to judge by, sources that are clearly less consistent than the best of them
    (`CLEARLY_LESS`) are put in the last half, all others in the first: places do not tell by how much a
    source is better, and one that guesses may look near.
    """
    means: dict[str, list[float]] = {}
    for names in groups:
        of_group: dict[str, list[float]] = {}
        for name in names:
            for source, place in _places(readings, name).items():
                of_group.setdefault(source, []).append(place)
        for source, of_source in of_group.items():
            means.setdefault(source, []).append(float(np.mean(of_source)))
    if not means and len(readings) == 1:
        return {source: 0.0 for source, known in readings.items() if known}
    places = {source: float(np.mean(of_source)) for source, of_source in means.items()}
    asked = {name for group in groups for name in group}
    return places if _are_judged_on_tiles(readings, asked) else _consistent_first(places, readings, asked)


def _are_judged_on_tiles(readings: Mapping[str, Mapping[str, float]], names: Collection[str]) -> bool:
    return any(name in known for known in readings.values() for name in ON_TILES if name in names)


def _consistent_first(
    places: Mapping[str, float], readings: Mapping[str, Mapping[str, float]], names: Collection[str]
) -> dict[str, float]:
    """Return the places within the first half for the consistent sources and within the last for the others.

    Where all are alike, the places stay as they are.
    """
    known = {one: readings[one].get("consistency", 1.0) for one in places}
    behind = {one for one, value in known.items() if value < max(known.values()) - CLEARLY_LESS}
    if "consistency" not in names or not behind:
        return dict(places)
    return {one: (place + (one in behind)) / 2 for one, place in places.items()}


def _places(readings: Mapping[str, Mapping[str, float]], name: str) -> dict[str, float]:
    measured = [source for source in readings if name in readings[source]]
    if len(measured) < 2:
        return {}
    ranks = rankdata([-readings[source][name] for source in measured])
    return dict(zip(measured, map(float, (ranks - 1) / (len(measured) - 1)), strict=True))


def family(structure: str) -> str:
    """Return the name of the family that a structure belongs to, its own where it is in none."""
    return FAMILIES.get(structure, structure)


def _group(structure: str, wanted: str | None) -> int:
    if wanted is None or structure == wanted:
        return 0
    return 1 if family(structure) == family(wanted) else 2
