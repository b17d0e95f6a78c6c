"""The image of a project as networks are merged for it: places without labels, and how far each source is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.fingerprints.distance import distance
from napari_graft.nets.device import choose_device
from napari_graft.project.project import Project
from napari_graft.scorers.scoring_context import ComputeContext
from napari_graft.session.models import Model, find_run
from napari_graft.session.pretraining import read_places
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.ranking.evidence import ProjectTarget, project_target
from napari_graft.session.sources import first_sources
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.sources.source import Source
from napari_graft.training.unlabelled import Images


@dataclass(frozen=True, slots=True)
class ProjectMergeTarget:
    """Target of a merge in a project. See `napari_graft.merging.method.MergeTarget`.

    Parameters
    ----------
    project
        Its image is the target.
    members
        The networks by name; the first lends its grid.
    seed
        Draws the places.
    cancel
        The token that stops the work.
    within
        Part of the image whose places are shown, None for all of it.
    """

    project: Project
    members: Mapping[str, Model]
    seed: int
    cancel: CancelToken
    within: Tile | None = None

    def images(self) -> Images:
        """Return random places of the image without labels, on the grid of the first network."""
        first = next(iter(self.members.values()))
        view = view_of(self.project, first.spec, self.cancel)
        return read_places([view], self.seed, self.cancel, self.within)

    def distances(self) -> Sequence[float | None]:
        """Return the MMD² of the image from the training images of each member, in the common encoder.

        That of a run is the mean over the sources that it began with.
        """
        target = project_target(self.project, ComputeContext(choose_device("auto"), self.cancel))
        return [self._distance(name, model, target) for name, model in self.members.items()]

    def _distance(self, name: str, model: Model, target: ProjectTarget) -> float | None:
        measured = [_distance(source, model.spec, target) for source in self._origins(name, model)]
        known = [one for one in measured if one is not None]
        return fmean(known) if known else None

    def _origins(self, name: str, model: Model) -> list[Source]:
        """Return the sources that a member began with, none where they are not at hand."""
        if model.source is not None:
            return [model.source]
        try:
            run = find_run(name, self.project)
            return [] if run is None else first_sources(self.project, run)
        except InputError:
            return []


def _distance(source: Source, spec: NetworkSpec, target: ProjectTarget) -> float | None:
    stored, features = source.load_general_fingerprint(), target.general_features(spec)
    return None if stored is None or features is None else distance(stored, features).mmd2
