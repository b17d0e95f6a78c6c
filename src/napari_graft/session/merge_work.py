"""The two halves of a merge: what to take of each network, and the training of what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.progress import Progress, Report
from napari_graft.io.damage import DamageLog
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.merging.merge import merge_networks
from napari_graft.merging.method import MergeContext, Merged
from napari_graft.merging.methods import MERGE_METHODS
from napari_graft.merging.recipe import MergeRecipe, layers_of
from napari_graft.nets.build import build_network
from napari_graft.nets.device import choose_device
from napari_graft.nets.kinds import trainable
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.project.run import Run
from napari_graft.session.fitting import Budget, Fitted, Fitting, train_config
from napari_graft.session.models import Model
from napari_graft.training.config import Moment, TrainResult

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
    """

    run: Run
    recipe: MergeRecipe
    members: Mapping[str, Model]
    fitting: Fitting
    budget: Budget

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
        config = train_config(self._first.spec, _part(self.budget, self._share))
        config = replace(config, n_validations=max(_FEWEST_LOOKS, round(self._share * config.n_validations)))
        fitting, device = self.fitting, choose_device(self.budget.device)
        report = self._merging_report()
        return MergeContext(fitting.examples, config, device, self.run.mixing_path, report, fitting.cancel)

    def _merging_report(self) -> Report:
        """Report the progress of the first half as that of both, in steps, and say what is being done."""

        def report(state: Progress) -> None:
            total = None if state.total is None else state.total / self._share
            self.fitting.report(Progress(state.done, self.budget.steps or total, _MERGING, state.metrics))

        return report

    def _training_report(self, n_done: int) -> Report:
        """Report the progress of the second half as that of both, in steps."""

        def report(state: Progress) -> None:
            total = None if state.total is None else state.total + n_done
            self.fitting.report(Progress(state.done + n_done, total, state.message, state.metrics))

        return report

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
        fitting = replace(self.fitting, report=self._training_report(record.steps))
        fitted = fitting.fit(start, _rest(self.budget, run), run.checkpoint_path)
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


def _part(budget: Budget, share: float) -> Budget:
    """Return a part of a budget, at least one step or a tenth of a second."""
    return replace(
        budget,
        seconds=None if budget.seconds is None else max(0.1, share * budget.seconds),
        steps=None if budget.steps is None else max(1, round(share * budget.steps)),
    )


def _rest(budget: Budget, run: Run) -> Budget:
    """Return what the merging has left of a budget, at least one step or a tenth of a second."""
    return replace(
        budget,
        seconds=None if budget.seconds is None else max(0.1, budget.seconds - run.record.seconds),
        steps=None if budget.steps is None else max(1, budget.steps - run.record.steps),
    )


def _with_first_half(result: TrainResult, run: Run) -> TrainResult:
    """Return the record of a training as the second half of the work of a run."""
    record = run.record
    earlier = [Moment(**moment.model_dump()) for moment in record.history]
    later = [
        replace(moment, step=moment.step + record.steps, seconds=moment.seconds + record.seconds)
        for moment in result.history
    ]
    return replace(
        result,
        best_step=result.best_step + record.steps,
        steps=result.steps + record.steps,
        seconds=result.seconds + record.seconds,
        history=(*earlier, *later),
    )
