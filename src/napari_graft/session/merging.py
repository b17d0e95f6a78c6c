"""Merge several sources into one model on what is annotated in a project."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from napari_graft.core.errors import InputError
from napari_graft.core.progress import Progress
from napari_graft.io.weights import save_tensors
from napari_graft.merging.methods import MERGE_METHODS
from napari_graft.merging.recipe import DEFAULT_METHOD, MergeMember, MergeRecipe
from napari_graft.merging.shape import require_one_shape
from napari_graft.nets.device import choose_device
from napari_graft.project.reports import MergeReport
from napari_graft.project.run import Run
from napari_graft.session.fitting import Budget
from napari_graft.session.judging import Judgement
from napari_graft.session.merge_work import MergeWork, networks_of
from napari_graft.session.models import SCRATCH, Model, find_run, load_model
from napari_graft.session.project_task import ProjectTask, Tiles
from napari_graft.session.training import finish_run, summary


@dataclass(frozen=True, slots=True)
class MergeTask(ProjectTask):
    """Merge in a project. See `ProjectTask`; a request to stop keeps the best weights so far."""

    def run(self, references: Sequence[str], budget: Budget, method: str = DEFAULT_METHOD) -> MergeReport:
        """Merge networks, train the merged one on the annotated tiles, and keep it if it is no worse.

        It competes with the model in use and, before the first run, with the best of the untouched networks,
        by the objects on the held-out part. A merge that was cut off goes on where it was when the same is
        asked for.

        Parameters
        ----------
        references
            Two or more, as for `load_model`. The first one lends its pixel size.
        budget
            Time or steps of all; a part of it goes to the merging itself (`MergeMethod.share_of_budget`).
        method
            Name in `MERGE_METHODS`.

        Raises
        ------
        InputError
            If no tile is annotated, a network is unknown, or they cannot be merged.
        """
        tiles = self.annotated_tiles("merging")
        members = self._members(references)
        # The run begins when nothing can be refused any more: what is refused leaves nothing behind.
        recipe = self._recipe(members, method)
        first = next(iter(members.values()))
        fitting = self.fitting(first.spec, tiles)
        unfinished = self._unfinished(recipe, budget, len(tiles))
        earlier = self._judge_earlier(members, tiles, budget)
        run = unfinished or self._new_run(recipe, members, budget, len(tiles))
        run, fitted = MergeWork(run, recipe, members, fitting, budget).do()
        save_tensors(run.weights_path, fitted.result.weights, {"run": run.id})
        run = finish_run(run, fitted, earlier)
        report = summary(run, is_resumed=unfinished is not None)
        return MergeReport(training=report, recipe=run.record.merge or recipe)

    def _members(self, references: Sequence[str]) -> dict[str, Model]:
        """Return the networks by name, after a look at whether they can be merged."""
        if SCRATCH in references:
            raise InputError("fresh weights hold nothing to merge: name two or more sources or runs")
        names = [self.proper_name(reference) for reference in references]
        if len(set(names)) < len(names):
            raise InputError(f"{', '.join(references)}: name each one once")
        members = {name: load_model(name, self.project, self.catalogue) for name in names}
        require_one_shape({name: model.spec for name, model in members.items()})
        return members

    def _recipe(self, members: Mapping[str, Model], method: str) -> MergeRecipe:
        MERGE_METHODS[method]  # refuses a name that it does not know
        made_of = (
            MergeMember(reference=name, weights_sha256=self._checksum(name, model))
            for name, model in members.items()
        )
        return MergeRecipe(method=method, members=tuple(made_of))

    def _checksum(self, name: str, model: Model) -> str:
        if model.source is not None:
            return model.source.card.weights_sha256
        run = find_run(name, self.project)
        assert run is not None  # what is no source is a run
        with run.weights_path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _unfinished(self, recipe: MergeRecipe, budget: Budget, n_tiles: int) -> Run | None:
        run = self.project.runs.unfinished()
        if run is None or run.record.merge is None or run.record.n_tiles != n_tiles:
            return None
        is_same = run.record.merge.asks_the_same_as(recipe) and run.record.settings == budget.settings
        return run if is_same else None

    def _new_run(
        self, recipe: MergeRecipe, members: Mapping[str, Model], budget: Budget, n_tiles: int
    ) -> Run:
        spec = next(iter(networks_of(members).values())).spec
        more = {"merge": recipe, "settings": budget.settings}
        return self.start_run(recipe.title, spec, n_tiles, **more)

    def _judge_earlier(
        self, members: Mapping[str, Model], tiles: Tiles, budget: Budget
    ) -> dict[str, Judgement]:
        """Judge the best of the untouched networks, and the model in use, on today's held-out part."""
        device = choose_device(budget.device)
        self.report(Progress(0, None, "measuring what the merged model has to beat"))
        judged = [
            self.fitting(model.spec, tiles).measure(model.network, device)[1] for model in members.values()
        ]
        best = max(judged, key=_standing)
        latest = self.judge_latest(tiles, device)
        return {"source": best} if latest is None else {"source": best, "previous": latest}


def _standing(judgement: Judgement) -> tuple[float, float]:
    """Return what networks are put in order by, the best one the highest: their objects, then the loss."""
    quality, loss = judgement.quality, judgement.loss
    return -math.inf if quality is None else quality, -math.inf if loss is None else -loss
