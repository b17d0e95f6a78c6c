"""What every long job of a project that learns from annotated tiles has in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.project.project import Project
from napari_graft.project.run import Run
from napari_graft.session.examples import make_examples
from napari_graft.session.fitting import Fitting
from napari_graft.session.judging import Judgement
from napari_graft.session.models import find_run, model_of_run
from napari_graft.session.views import view_of
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.sources.spec import ModelSpec

if TYPE_CHECKING:
    import torch

Tiles = Sequence[LabelledTile]


@dataclass(frozen=True, slots=True)
class ProjectTask:
    """Base of the tasks that learn from the tiles of a project.

    Parameters
    ----------
    project
        Open for writing or as a delegate, with annotated tiles.
    catalogue
        Where sources are looked up.
    report, cancel
        Progress, and the token that stops the work.
    """

    project: Project
    catalogue: Catalogue
    report: Report
    cancel: CancelToken

    def annotated_tiles(self, before: str) -> list[LabelledTile]:
        """Return the annotated tiles, of which there must be one before what is about to be done.

        Raises
        ------
        InputError
            If there is none.
        """
        tiles = self.project.annotations.labelled_tiles()
        if not tiles:
            raise InputError(f"no tile is annotated yet: suggest tiles and annotate them before {before}")
        return tiles

    def proper_name(self, reference: str) -> str:
        """Return what a record calls a model: a run of this project by its number, others as they are named.

        What is in use of another project has its number too: that may be another one tomorrow.

        Raises
        ------
        InputError
            If it names a run that there is not.
        """
        run = find_run(reference, self.project)
        if run is None:
            return reference
        if self.is_own(run):
            return f"run {run.id}"
        folder, _, run_id = reference.rpartition(":")
        return f"{folder}:{run.id}" if run_id == "latest" else reference

    def start_run(self, source: str, spec: ModelSpec, n_tiles: int, **more: object) -> Run:
        """Start a run, in place of one that was killed before it had anything; see `Project.new_run`."""
        self.project.runs.clear_leftovers()
        diameter = view_of(self.project, spec, self.cancel, self.report).object_diameter
        return self.project.new_run(source, spec, n_tiles=n_tiles, object_diameter=diameter, **more)

    def is_own(self, run: Run) -> bool:
        """Say whether a run is of this project."""
        return run.folder.resolve().is_relative_to(self.project.folder.resolve())

    def fitting(self, spec: NetworkSpec, tiles: Tiles) -> Fitting:
        """Return how networks of a specification are adapted to tiles and judged on them.

        Raises
        ------
        InputError
            If there is nothing to learn from.
        """
        examples = make_examples(view_of(self.project, spec, self.cancel, self.report), tiles)
        return Fitting(examples, self.project.manifest.structure, self.report, self.cancel)

    def judge_latest(self, tiles: Tiles, device: torch.device) -> Judgement | None:
        """Judge the model in use on today's held-out part, None where there is none yet.

        Its decoding is tuned anew on what is trained on, as that of its rivals: its own may have seen what is
        held out.
        """
        latest = self.project.latest_run()
        if latest is None:
            return None
        model = model_of_run(latest)
        return self.fitting(model.spec, tiles).measure(model.network, device)[1]
