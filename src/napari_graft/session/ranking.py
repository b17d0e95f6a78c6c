"""Rank the sources by how close their training images lie to the project's image."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.progress import NOTE, CancelToken, Progress, Report
from napari_graft.fingerprints.distance import Distance, distance
from napari_graft.fingerprints.polarity import polarity_remedy
from napari_graft.fingerprints.ranking import Evidence, SourceScore, rank
from napari_graft.inference.features import tile_features
from napari_graft.nets.device import choose_device
from napari_graft.project.project import Project
from napari_graft.session.models import model_of_source
from napari_graft.session.views import random_tiles, view_of
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.exclude import trained_on
from napari_graft.sources.source import Source

if TYPE_CHECKING:
    import torch

N_TILES = 32
TILE_SIDE = 192
_SEED = 0


@dataclass(frozen=True, slots=True)
class RankedSource:
    """Pair a source with its score."""

    source: Source
    score: SourceScore

    def as_dict(self) -> dict[str, object]:
        """Return the entry that ``rank --json`` prints."""
        card, score = self.source.card, self.score
        return {
            "source": card.id,
            "title": card.title,
            "structure": card.structure,
            "mmd2": score.mmd2,
            "z": score.z,
            "p_value": score.p_value,
            "consistency": score.consistency,
            "few_shot": score.few_shot,
            "verdict": score.verdict,
            "same_structure": score.same_structure,
            "remedy": score.remedy,
            "research_only": card.research_only,
        }


def candidate_sources(catalogue: Catalogue, exclude: Collection[str] = ()) -> list[Source]:
    """Return the sources that can be ranked: all that know what they segment, less those to leave out.

    The common ancestor is no candidate: it was trained on generated images only, to start other sources from.

    Raises
    ------
    InputError
        If a source to leave out does not exist.
    """
    sources = [source for source in catalogue.sources() if source.card.structure != "any"]
    excluded = {catalogue.get(name).id for name in exclude}
    return [source for source in sources if source.id not in excluded]


def unseen_sources(
    project: Project, catalogue: Catalogue, exclude: Collection[str] = (), *, named: str = ""
) -> tuple[list[Source], list[Source]]:
    """Return the candidates that have never seen the project's image, and those left out because they have.

    A source that was trained on the image, or on other images of its data set, always looks near and scores
    well on tiles that it has learned. Neither its rank nor its score on held-out tiles can be believed, and
    it would hide the candidates whose can. That holds for a user's own exported run as well. Such a source
    may still be the best start, so whoever asks is told which were left out (`tell_left_out`) and can name
    one: only the automatic choice passes it over.

    Parameters
    ----------
    exclude
        Ids or paths of sources to leave out whatever they have seen; they are not among those returned.
    named
        What the user called the image, where the project holds a copy; by default the project's image.

    Raises
    ------
    InputError
        If a source to leave out does not exist, or every candidate has seen the image.
    """
    candidates = candidate_sources(catalogue, exclude)
    image = named or project.image.path
    seen = [source for source in candidates if trained_on(source, image)]
    unseen = [source for source in candidates if source not in seen]
    if seen and not unseen:
        raise InputError(
            f"all sources that could be ranked were trained on this image or its data set "
            f"({', '.join(source.id for source in seen)}): name the one to use"
        )
    return unseen, seen


def tell_left_out(seen: Sequence[Source]) -> str:
    """Say in a note which sources were left out because they have seen the image, and how to use them."""
    names = ", ".join(source.id for source in seen)
    return (
        f"{NOTE}left out, because trained on this image or its data set: {names} "
        "(train can start from one by its name; rank --include-seen ranks them too)"
    )


def rank_sources(
    project: Project,
    sources: Sequence[Source],
    *,
    device: str = "auto",
    report: Report,
    cancel: CancelToken,
) -> list[RankedSource]:
    """Return the sources best first, by MMD² between their fingerprint and tiles of the project's image.

    The time depends on the number of sources and not on the size of the image.

    Parameters
    ----------
    project
        Its image is read at `N_TILES` random places.
    sources
        Those without a fingerprint are left out, and 3-D ones where the image is 2-D.
    device
        Where the encoders run.

    Raises
    ------
    InputError
        If no source has a fingerprint.
    """
    chosen = choose_device(device)
    distances: dict[str, Distance] = {}
    remedies: dict[str, str] = {}
    for i, source in enumerate(sources):
        report(Progress(i, len(sources), f"comparing with {source.card.title}"))
        cancel.raise_if_cancelled()
        measured = _measure(project, source, chosen, cancel)
        if measured is None:
            continue
        distances[source.id], remedy = measured
        if remedy is not None:
            remedies[source.id] = remedy
    if not distances:
        raise InputError("there is no source to rank: add one with 'napari-graft sources add'")
    report(Progress(len(sources), len(sources), "ranked"))
    by_id = {source.id: source for source in sources}
    structures = {name: by_id[name].card.structure for name in distances}
    evidence = Evidence({}, {}, remedies)
    ranked = rank(distances, structures, project.manifest.structure, evidence)
    return [RankedSource(by_id[score.source_id], score) for score in ranked]


def _measure(
    project: Project, source: Source, device: torch.device, cancel: CancelToken
) -> tuple[Distance, str | None] | None:
    fingerprint = source.load_fingerprint()
    if fingerprint is None or source.card.spec.ndim > len(project.manifest.shape):
        return None
    model = model_of_source(source)
    view = view_of(project, model.spec)
    tiles = random_tiles(view, TILE_SIDE, N_TILES, np.random.default_rng(_SEED))
    images = [view.read(tile) for tile in tiles]

    def distance_to(images: list[NDArray[np.float32]]) -> Distance:
        features = tile_features(model.network, images, device, cancel)
        return distance(fingerprint, features, encoder=source.card.weights_sha256)

    normal = distance_to(images)
    return normal, polarity_remedy(normal, distance_to([-image for image in images]))
