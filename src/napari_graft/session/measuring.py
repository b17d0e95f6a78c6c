"""Measure sources on a project's image and tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_graft.core.errors import StorageError
from napari_graft.fingerprints.distance import LIKE_OWN_LIMIT, Distance
from napari_graft.project.project import Project
from napari_graft.scorers.order import Evidence
from napari_graft.scorers.registry import SCORERS, read_all
from napari_graft.scorers.remedies import diagnose_domain_shift
from napari_graft.scorers.sighting import ComputeContext, ScoringContext
from napari_graft.session.measured import measurement_cache_of
from napari_graft.session.models import model_of_source
from napari_graft.session.target import project_target
from napari_graft.sources.inverted import invert_source
from napari_graft.sources.source import Source

CLEARLY_NEARER = 0.95
"""Share of the distance below which the negative is the nearer view: a tie is no reason for it."""
CONSISTENCY_NOISE = 0.02
"""Difference of two consistencies that means nothing."""


class Measurer:
    """Measures the evidence on sources, and keeps it in the project; see `MeasurementCache`.

    Several threads may ask, each for a source of its own.

    Parameters
    ----------
    project
        Its image and its annotated tiles are looked at.
    scorers
        Names in `SCORERS`.
    compute
        Where the networks run.
    """

    def __init__(self, project: Project, scorers: Sequence[str], compute: ComputeContext) -> None:
        self._target = project_target(project, compute)
        self._compute = compute
        self._on_tiles = [name for name in scorers if SCORERS[name].reads_labels]
        self._on_image = [name for name in scorers if not SCORERS[name].reads_labels]
        self._contexts: dict[str, ScoringContext] = {}
        self._cache = measurement_cache_of(
            project, encoder=self._target.encoder_sha256, device=compute.device.type
        )

    @property
    def failure(self) -> StorageError | None:
        """Why something will be measured again next time, None where all is remembered."""
        return self._cache.failure

    def best_view(self, source: Source) -> Source:
        """Return a source, or that source shown the negative of the image.

        The negative is taken where it is clearly nearer to the source's training images, and what the source
        finds in it is no less consistent.

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
        is_consistent = self._consistency(inverted) >= self._consistency(source) - CONSISTENCY_NOISE
        return inverted if is_consistent else source

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
        on_tiles = self._cache.remember(source, "tiles", self._on_tiles, lambda: self._measure_tiles(source))
        return replace(on_image, readings={**on_image.readings, **on_tiles.readings})

    def diagnose(self, source: Source, evidence: Evidence) -> Evidence:
        """Look for a domain shift between the image and a source."""
        found = self._cache.remember(source, "scale", (), lambda: self._measure_scale(source))
        return replace(evidence, remedy=found.remedy)

    def _measure_image(self, source: Source) -> Evidence:
        context = self._context(source)
        return Evidence(source.card.structure, context.distance, read_all(context, self._on_image))

    def _consistency(self, source: Source) -> float:
        """Return the consistency of a source, 1 where nobody asks for that."""
        return self._on_the_image(source).readings.get("consistency", 1.0)

    def _on_the_image(self, source: Source) -> Evidence:
        return self._cache.remember(source, "image", self._on_image, lambda: self._measure_image(source))

    def _distance(self, source: Source) -> Distance | None:
        def measure() -> Evidence:
            return Evidence(source.card.structure, self._context(source).distance)

        return self._cache.remember(source, "distance", (), measure).distance

    def _measure_tiles(self, source: Source) -> Evidence:
        return Evidence(source.card.structure, None, read_all(self._context(source), self._on_tiles))

    def _measure_scale(self, source: Source) -> Evidence:
        return Evidence(source.card.structure, None, remedy=diagnose_domain_shift(self._context(source)))

    def _context(self, source: Source) -> ScoringContext:
        """Load a source once, and only where something is left to measure."""
        if source.id not in self._contexts:
            model = model_of_source(source)
            self._contexts[source.id] = ScoringContext(
                source, model.network, model.decode, self._target, self._compute
            )
        return self._contexts[source.id]
