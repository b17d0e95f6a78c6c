"""Merge several sources into one model on what is annotated in a project."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.progress import Progress, Report, report_of_first, report_of_second
from napari_graft.io.documents import DamageLog
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.merging.method import MergeContext, Merged, MergeTarget
from napari_graft.merging.recipe import DEFAULT_METHOD, MergeMember, MergeRecipe, layers_of, require_one_shape
from napari_graft.merging.registry import MERGE_METHODS, merge_networks
from napari_graft.nets.build import build_network, trainable
from napari_graft.nets.device import choose_device
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.project.reports import MergeReport
from napari_graft.project.run import Run
from napari_graft.session.merge_target import ProjectMergeTarget
from napari_graft.session.models import SCRATCH, Model, find_run, load_model
from napari_graft.session.training.fitting import Budget, Fitted, Fitting, train_config
from napari_graft.session.training.train import ProjectTask, Tiles, finish_run, summary
from napari_graft.session.training.validation import Judgement
from napari_graft.training.config import Moment, TrainResult


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
        target = ProjectMergeTarget(self.project, members, budget.seed, self.cancel)
        run, fitted = MergeWork(run, recipe, members, fitting, budget, target).do()
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


_FEWEST_LOOKS = 3
"""At the held-out part, while merging."""
_MERGING = "finding out what to take of each"


@dataclass(frozen=True, slots=True)
class MergeWork:
    """The steps of a merge: merges networks and trains the merged one, whatever is not on the disk yet.

    Parameters
    ----------
    run
        Where the work is kept.
    recipe
        What is merged and how.
    members
        The networks by name.
    fitting
        What to learn from, on the grid of the first one.
    budget
        Time or steps of both halves.
    target
        The image, for methods that look at more than the tiles.
    """

    run: Run
    recipe: MergeRecipe
    members: Mapping[str, Model]
    fitting: Fitting
    budget: Budget
    target: MergeTarget | None = None

    def do(self) -> tuple[Run, Fitted]:
        """Return the run with what it was made of, and the model."""
        run = self.run
        if not self._is_merged():
            merged = merge_networks(networks_of(self.members), self.recipe.method, self._context())
            run = self._note(merged)
            training = merged.training
            if training is not None and training.stopped_by == "cancel":
                return run, self._stopped(merged.network, training)
            # The record first: weights without it would be taken for merged in no time.
            save_tensors(run.merged_path, merged.network.stored_weights(), {"run": run.id})
        return run, self._train(run)

    def _is_merged(self) -> bool:
        """Say whether the first half is done; where its weights are damaged, it is done again."""
        run = self.run
        if not run.merged_path.is_file():
            return False
        try:
            build_network(run.record.spec, load_tensors(run.merged_path)[0])
        except InputError as error:
            told = DamagedFileError(f"{error}: the networks are merged anew")
            DamageLog(writable=True).set_aside(told, run.merged_path)
            return False
        return True

    def _context(self) -> MergeContext:
        config = train_config(self._first.spec, self.budget).part(self._share)
        config = replace(config, n_validations=max(_FEWEST_LOOKS, round(self._share * config.n_validations)))
        fitting, device = self.fitting, choose_device(self.budget.device)

        def score(network: ResidualUNet) -> float:
            quality, minus_loss = _standing(fitting.measure(network, device)[1])
            return quality if math.isfinite(quality) else minus_loss

        return MergeContext(
            fitting.examples,
            config,
            device,
            self.run.mixing_path,
            self._merging_report(),
            fitting.cancel,
            self.target,
            score,
        )

    def _merging_report(self) -> Report:
        """Report the progress of the first half as that of both, in steps, and say what is being done."""

        def report(state: Progress) -> None:
            total = self.budget.steps or state.total
            self.fitting.report(Progress(state.done, total, _MERGING, state.metrics))

        return report_of_first(report, self._share)

    def _note(self, merged: Merged) -> Run:
        """Write down what was merged and what that took."""
        made = self.recipe.model_copy(update={"layers": layers_of(merged.shares)})
        if merged.training is None:
            return self.run.update(merge=made)
        spent = {"steps": merged.training.steps, "seconds": round(merged.training.seconds, 2)}
        return self.run.update(merge=made, history=[asdict(m) for m in merged.training.history], **spent)

    def _train(self, run: Run) -> Fitted:
        """Train the merged network for what is left of the budget."""
        record = run.record
        network = build_network(record.spec, load_tensors(run.merged_path)[0])
        start = Model(record.source, network, self._first.decode)
        rate = MERGE_METHODS[self.recipe.method].rate_after
        tuning = replace(self.fitting.fine_tuning, learning_rate=rate)
        report = report_of_second(self.fitting.report, record.steps)
        fitting = replace(self.fitting, report=report, fine_tuning=tuning)
        fitted = fitting.fit(start, self.budget.rest(record.steps, record.seconds), run.checkpoint_path)
        return replace(fitted, result=_with_first_half(fitted.result, run))

    def _stopped(self, network: ResidualUNet, training: TrainResult) -> Fitted:
        """Return the merged network as it is: the token that stops the work came before its training."""
        result = replace(training, weights=network.stored_weights())
        return self.fitting.judge(network, result, self._first.decode, choose_device(self.budget.device))

    @property
    def _first(self) -> Model:
        return next(iter(self.members.values()))

    @property
    def _share(self) -> float:
        return MERGE_METHODS[self.recipe.method].share_of_budget


def networks_of(members: Mapping[str, Model]) -> dict[str, ResidualUNet]:
    """Return the networks by name.

    Raises
    ------
    InputError
        If one was imported as a finished network.
    """
    return {name: trainable(model.network, model.name) for name, model in members.items()}


def _with_first_half(result: TrainResult, run: Run) -> TrainResult:
    """Return the record of a training as the second half of the work of a run."""
    record = run.record
    earlier = [Moment(**moment.model_dump()) for moment in record.history]
    return result.after(record.steps, record.seconds, earlier)
