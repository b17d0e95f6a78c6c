"""Map the sources, and the project's image among them, by how alike their images look."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.fingerprints.distance import map_of_fingerprints
from napari_graft.fingerprints.source_map import TARGET, LabelEffect, SourceMap, label_effect
from napari_graft.nets.device import choose_device
from napari_graft.project.project import Project
from napari_graft.scorers.scoring_context import ComputeContext
from napari_graft.session.ranking.evidence import project_target
from napari_graft.session.ranking.rank import readable_sources
from napari_graft.sources.card import SourceCard
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.sources.source import Source

Described = dict[str, object]
_SEED = 0
_SAME_INSTRUMENT = {"SBF-SEM": "SBEM"}


def map_sources(
    sources: Sequence[Source],
    project: Project | None,
    *,
    device: str = "auto",
    report: Report,
    cancel: CancelToken,
) -> SourceMap | None:
    """Return the map of those sources that have a fingerprint in the common encoder; None for less than two.

    Parameters
    ----------
    sources
        What to map; those whose fingerprints cannot be read are left out.
    project
        Its image is placed among them, at its own pixel size, because there is no one source to which it
        would be brought; None to map the sources alone.
    device
        Where the common encoder runs.

    Raises
    ------
    InputError
        If fingerprints were not made alike.
    Cancelled
        When asked to stop.
    """
    report(Progress(0, None, "mapping the sources"))
    known = {
        source.id: general for source, general in readable_sources(sources, report) if general is not None
    }
    target = None
    if project is not None:
        seen = project_target(project, ComputeContext(choose_device(device), cancel))
        if seen.encoder is not None:
            target = seen.general_features(ModelSpec(ndim=seen.encoder.spec.ndim))
    if len(known) + (target is not None) < 2:
        return None
    return map_of_fingerprints(known, target)


@dataclass(frozen=True, slots=True)
class LabelFinding:
    """A label of the sources with how far the distances follow it.

    Parameters
    ----------
    label
        What is told apart, in words.
    effect
        See `label_effect`.
    """

    label: str
    effect: LabelEffect

    def as_dict(self) -> Described:
        """Return the row that ``sources map`` prints."""
        return {"label": self.label} | asdict(self.effect)


def explain_distances(mapped: SourceMap, cards: Sequence[SourceCard]) -> list[LabelFinding]:
    """Say for each label whether sources that share it are nearer to one another than others.

    Sources that were trained on a common data set, or on relatives of one, are near for that reason, and
    such pairs are not counted. Nearly all EM sources find something else than those of light microscopes, so
    the labels are not independent: each is looked at within electron and light microscopy as well.
    """
    at = [mapped.names.index(card.id) for card in cards if card.id in mapped.names]
    placed = [card for card in cards if card.id in mapped.names]
    distances = mapped.distances[np.ix_(at, at)]
    counts, kinds = _independent(placed), [microscopy(card) for card in placed]
    labels: dict[str, list[str | None]] = {
        "electron or light": list(kinds),
        "instrument": [instrument(card) for card in placed],
        "species": [species(card) for card in placed],
        "structure": [card.structure for card in placed],
    }
    found = []
    for strata in (None, kinds):
        for name, values in labels.items():
            effect = label_effect(distances, values, counts, np.random.default_rng(_SEED), strata)
            if effect is not None:
                words = name if strata is None else f"{name}, within electron or light"
                found.append(LabelFinding(words, effect))
    return found


def microscopy(card: SourceCard) -> str:
    """Return ``"electron"`` or ``"light"``."""
    return "electron" if re.search(r"EM\b", card.instrument) else "light"


def instrument(card: SourceCard) -> str | None:
    """Return the one instrument of a source, None for a pool of several and where it is not stated."""
    if " and " in card.instrument or not card.instrument:
        return None
    name = card.instrument.partition(",")[0]
    return _SAME_INSTRUMENT.get(name, name)


def species(card: SourceCard) -> str | None:
    """Return the one species of a source, None for a pool of several and where it is not stated."""
    name = re.sub(r"\s*\(.*?\)", "", card.species)
    is_one = " and " not in name and "not stated" not in name and name not in ("", "mixed", "none")
    return name if is_one else None


def _independent(cards: Sequence[SourceCard]) -> NDArray[np.bool]:
    seen = [set(card.training.datasets) for card in cards]
    near = [one | set(card.training.related_datasets) for one, card in zip(seen, cards, strict=True)]
    n = range(len(cards))
    return np.array([[not (seen[i] & near[j] or near[i] & seen[j]) for j in n] for i in n], np.bool)


def describe_map(mapped: SourceMap, titles: Mapping[str, str], findings: Sequence[LabelFinding]) -> Described:
    """Return what ``sources map --json`` prints, the sources in the order in which the tree shows them."""
    near = mapped.nearest_to(TARGET) if TARGET in mapped.names else []
    return {
        "sources": [{"id": one or None, "title": titles.get(one, one)} for one in mapped.ordered_names],
        "distances": mapped.ordered_distances.round(5).tolist(),
        "nearest": [{"id": name, "distance": round(far, 5)} for name, far in near],
        "findings": [finding.as_dict() for finding in findings],
    }
