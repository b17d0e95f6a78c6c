"""Greedy soup: each source is fine-tuned first, and what makes the average better goes into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import Progress, Report
from napari_graft.merging.method import MergeContext, Merged
from napari_graft.merging.mixed_unet import MixedUNet
from napari_graft.merging.probing import GENTLE_RATE
from napari_graft.merging.recipe import Shares
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.config import TrainConfig, TrainResult
from napari_graft.training.trainer import Trainer

FEWEST_INGREDIENTS = 3
RATES = (1e-3, GENTLE_RATE)
"""Of two sources each is fine-tuned at both: a soup of two has little to choose from."""


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A fine-tuned member, the place of that one, and its score on the held-out part."""

    network: ResidualUNet
    member: int
    score: float


class GreedySoup:
    """Greedy soup of fine-tuned members (Wortsman et al., *Model soups*, ICML 2022, arXiv 2203.05482).

    Recipe 1 of the paper: in the order of their scores on the held-out part, each is averaged into the soup
    if that scores no worse for it. The averages are of whole networks, all of which were trained on the same
    tiles; where none helps, the soup is the best one alone. It is judged by the objects, as everything else.
    """

    share_of_budget = 3 / 4
    rate_after = GENTLE_RATE

    def merge(self, members: Sequence[ResidualUNet], context: MergeContext) -> Merged:
        """Return the soup. See `MergeMethod`; stopped, it is the average of the members as they are then."""
        rates = RATES if len(members) < FEWEST_INGREDIENTS else RATES[:1]
        plans = [(member, rate) for rate in rates for member in range(len(members))]
        tuned: list[tuple[int, ResidualUNet]] = []
        record: TrainResult | None = None
        for place, (member, rate) in enumerate(plans):
            part = _part(context, place, len(plans), rate, record)
            trained = _fine_tune(members[member], part)
            record = trained if record is None else _joined(record, trained)
            tuned.append((member, build_network(members[member].spec, trained.weights)))
            if trained.stopped_by == "cancel":
                break
        assert record is not None
        return self._soup(members, tuned, record, context)

    def _soup(
        self,
        members: Sequence[ResidualUNet],
        tuned: Sequence[tuple[int, ResidualUNet]],
        record: TrainResult,
        context: MergeContext,
    ) -> Merged:
        try:
            scored = [Ingredient(network, member, context.score(network)) for member, network in tuned]
            chosen = greedy(scored, context)
        except Cancelled:
            record = replace(record, stopped_by="cancel")
        if record.stopped_by == "cancel":
            done = dict(tuned)
            latest = [done.get(member, network) for member, network in enumerate(members)]
            chosen = [Ingredient(network, member, 0.0) for member, network in enumerate(latest)]
        network = average_of([one.network for one in chosen])
        shares = _shares_of(chosen, len(members), MixedUNet(members).shares())
        return Merged(network, shares, replace(record, weights=network.stored_weights()))


def greedy(ingredients: Sequence[Ingredient], context: MergeContext) -> list[Ingredient]:
    """Return what goes into the soup: the best one, and each that makes it no worse.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    best, *others = sorted(ingredients, key=lambda one: -one.score)
    soup, score = [best], best.score
    for one in others:
        tried = context.score(average_of([*(of.network for of in soup), one.network]))
        if tried >= score:
            soup, score = [*soup, one], tried
    return soup


def average_of(networks: Sequence[ResidualUNet]) -> ResidualUNet:
    """Return the average of networks, the head included."""
    return MixedUNet(networks).fold()


def _fine_tune(member: ResidualUNet, context: MergeContext) -> TrainResult:
    trainer = Trainer(context.config, context.device, context.checkpoint)
    network = build_network(member.spec, member.stored_weights())
    return trainer.fit(network, context.examples, report=context.report, cancel=context.cancel)


def _part(context: MergeContext, place: int, n: int, rate: float, before: TrainResult | None) -> MergeContext:
    """Return the context of one of `n` trainings, each with its part of the budget and a file of its own."""
    config, checkpoint = context.config, context.checkpoint
    part = replace(
        config,
        max_steps=None if config.max_steps is None else max(1, config.max_steps // n),
        time_budget=None if config.time_budget is None else config.time_budget / n,
        learning_rate=rate,
        seed=config.seed + place,
    )
    path = None if checkpoint is None or not place else beside(checkpoint, place)
    return replace(
        context,
        config=part,
        checkpoint=path or checkpoint,
        report=_whole(context.report, config, 0 if before is None else before.steps),
    )


def beside(checkpoint: Path, place: int) -> Path:
    """Return the file of a further training of the same work.

    >>> beside(Path("mixing.safetensors"), 2).name
    'mixing-2.safetensors'
    """
    return checkpoint.with_stem(f"{checkpoint.stem}-{place}")


def _whole(report: Report, config: TrainConfig, n_done: int) -> Report:
    """Report the progress of one of the trainings as that of all, in steps."""

    def told(state: Progress) -> None:
        report(replace(state, done=state.done + n_done, total=config.max_steps))

    return told


def _joined(first: TrainResult, second: TrainResult) -> TrainResult:
    return second.after(first.steps, first.seconds, first.history)


def _shares_of(chosen: Sequence[Ingredient], n_members: int, like: Shares) -> Shares:
    """Return the same share for every filter: that of the ingredients that are of a member."""
    counts = np.bincount([one.member for one in chosen], minlength=n_members)
    share = (counts / counts.sum()).astype(np.float32)
    return {name: np.repeat(share[:, None], value.shape[1], axis=1) for name, value in like.items()}
