"""Measure sources on a project's image and tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_graft.core.errors import StorageError
from napari_graft.fingerprints.distance import LIKE_OWN_LIMIT, Distance
from napari_graft.project.project import Project
from napari_graft.scorers.order import Evidence
from napari_graft.scorers.registry import SCORERS, read_all
from napari_graft.scorers.remedies import find_remedy
from napari_graft.scorers.sighting import Sighting, Workplace
from napari_graft.session.measured import memory_of
from napari_graft.session.models import model_of_source
from napari_graft.session.target import project_target
from napari_graft.sources.inverted import invert_source
from napari_graft.sources.source import Source

CLEARLY_NEARER = 0.95
"""Share of the distance below which the negative is the nearer view: a tie is no reason for it."""
STEADINESS_NOISE = 0.02
"""Difference of two readings of steadiness that means nothing."""


class Measurer:
    """Gather the evidence on sources; the project remembers it, see `Memory`.

    Several threads may ask, each for a source of its own.

    Parameters
    ----------
    project
        Its image and its annotated tiles are looked at.
    scorers
        Names in `SCORERS`.
    workplace
        Where the networks run.
    """

    def __init__(self, project: Project, scorers: Sequence[str], workplace: Workplace) -> None:
        self._target = project_target(project, workplace)
        self._workplace = workplace
        self._on_tiles = [name for name in scorers if SCORERS[name].reads_labels]
        self._on_image = [name for name in scorers if not SCORERS[name].reads_labels]
        self._sightings: dict[str, Sighting] = {}
        self._memory = memory_of(project, encoder=self._target.encoder_sha256, device=workplace.device.type)

    @property
    def failure(self) -> StorageError | None:
        """Why something will be measured again next time, None where all is remembered."""
        return self._memory.failure

    def best_view(self, source: Source) -> Source:
        """Return a source, or that source shown the negative of the image.

        The negative is taken where it is clearly nearer to the source's training images, and what the source
        finds in it is no less steady.

        Raises
        ------
        InputError
            If its files are damaged.
        Cancelled
            When asked to stop.
        """
        plain = self._distance(source)
        if plain is None or plain.z <= LIKE_OWN_LIMIT:
            return source
        inverted = invert_source(source)
        negative = self._distance(inverted)
        if negative is None or negative.z >= CLEARLY_NEARER * plain.z:
            return source
        is_steady = self._steadiness(inverted) >= self._steadiness(source) - STEADINESS_NOISE
        return inverted if is_steady else source

    def evidence(self, source: Source) -> Evidence:
        """Return what is to be known of a source before the best are looked into.

        Raises
        ------
        InputError
            If its files are damaged.
        Cancelled
            When asked to stop.
        """
        on_image = self._on_the_image(source)
        on_tiles = self._memory.remember(source, "tiles", self._on_tiles, lambda: self._see_tiles(source))
        return replace(on_image, readings={**on_image.readings, **on_tiles.readings})

    def look_into(self, source: Source, evidence: Evidence) -> Evidence:
        """Look for what may bring the image closer to a source."""
        found = self._memory.remember(source, "scale", (), lambda: self._see_scale(source))
        return replace(evidence, remedy=found.remedy)

    def _see_image(self, source: Source) -> Evidence:
        sighting = self._sighting(source)
        return Evidence(source.card.structure, sighting.distance, read_all(sighting, self._on_image))

    def _steadiness(self, source: Source) -> float:
        """Return how steady what a source finds is, 1 where nobody asks for that."""
        return self._on_the_image(source).readings.get("consistency", 1.0)

    def _on_the_image(self, source: Source) -> Evidence:
        return self._memory.remember(source, "image", self._on_image, lambda: self._see_image(source))

    def _distance(self, source: Source) -> Distance | None:
        def see() -> Evidence:
            return Evidence(source.card.structure, self._sighting(source).distance)

        return self._memory.remember(source, "distance", (), see).distance

    def _see_tiles(self, source: Source) -> Evidence:
        return Evidence(source.card.structure, None, read_all(self._sighting(source), self._on_tiles))

    def _see_scale(self, source: Source) -> Evidence:
        return Evidence(source.card.structure, None, remedy=find_remedy(self._sighting(source)))

    def _sighting(self, source: Source) -> Sighting:
        """Load a source once, and only where something is left to measure."""
        if source.id not in self._sightings:
            model = model_of_source(source)
            self._sightings[source.id] = Sighting(
                source, model.network, model.decode, self._target, self._workplace
            )
        return self._sightings[source.id]
