"""Measure sources on a project's image and tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_graft.core.errors import StorageError
from napari_graft.project.project import Project
from napari_graft.scorers.order import Evidence
from napari_graft.scorers.registry import SCORERS, read_all
from napari_graft.scorers.remedies import find_remedy
from napari_graft.scorers.sighting import Sighting, Workplace
from napari_graft.session.measured import memory_of
from napari_graft.session.models import model_of_source
from napari_graft.session.target import project_target
from napari_graft.sources.source import Source


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

    def evidence(self, source: Source) -> Evidence:
        """Return what is to be known of a source before the best are looked into.

        Raises
        ------
        InputError
            If its files are damaged.
        Cancelled
            When asked to stop.
        """
        remember = self._memory.remember
        on_image = remember(source, "image", self._on_image, lambda: self._see_image(source))
        on_tiles = remember(source, "tiles", self._on_tiles, lambda: self._see_tiles(source))
        return replace(on_image, readings={**on_image.readings, **on_tiles.readings})

    def look_into(self, source: Source, evidence: Evidence) -> Evidence:
        """Look for a better remedy than to invert the image, which is tried with every source."""
        found = self._memory.remember(source, "scale", (), lambda: self._see_scale(source, evidence))
        return replace(evidence, remedy=found.remedy)

    def _see_image(self, source: Source) -> Evidence:
        sighting = self._sighting(source)
        readings = read_all(sighting, self._on_image)
        return Evidence(
            source.card.structure, sighting.distance, readings, find_remedy(sighting, ("invert",))
        )

    def _see_tiles(self, source: Source) -> Evidence:
        return Evidence(source.card.structure, None, read_all(self._sighting(source), self._on_tiles))

    def _see_scale(self, source: Source, evidence: Evidence) -> Evidence:
        remedy = find_remedy(self._sighting(source), ("smooth", "rescale"), evidence.remedy)
        return Evidence(source.card.structure, None, remedy=remedy)

    def _sighting(self, source: Source) -> Sighting:
        """Load a source once, and only where something is left to measure."""
        if source.id not in self._sightings:
            model = model_of_source(source)
            self._sightings[source.id] = Sighting(
                source, model.network, model.decode, self._target, self._workplace
            )
        return self._sightings[source.id]
