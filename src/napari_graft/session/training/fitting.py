"""Adapt a network to annotated tiles: the examples made of them, and the training on these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.labelled_tile import LabelledTile, PixelSplit, split_holdout
from napari_graft.blockwise.plan import HALO
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.labels import BACKGROUND, FIRST_OBJECT, UNLABELLED
from napari_graft.core.progress import CancelToken, Progress, Report, note
from napari_graft.core.tile import Tile
from napari_graft.imaging.resample import resample_labels
from napari_graft.inference.view import ModelView
from napari_graft.nets.build import build_network, trainable
from napari_graft.nets.device import choose_device
from napari_graft.nets.network import Network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.session.models import SCRATCH, Model
from napari_graft.session.training.validation import (
    Judgement,
    Predictions,
    WeightsCandidate,
    calibrate_model,
    choose,
    describe_choice,
    judge,
    predict_examples,
)
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.training.config import BATCH, PATCH, TrainConfig, TrainResult
from napari_graft.training.examples import Example
from napari_graft.training.fine_tuning import FineTuning
from napari_graft.training.losses import HeldOutLoss
from napari_graft.training.trainer import Trainer
from napari_graft.training.unlabelled import Images
from napari_graft.training.weight_averaging import SHARES, Weights, mix_weights

if TYPE_CHECKING:
    import torch


RATE_ADAPTED = 1e-3
RATE_SCRATCH = 2e-3
NOT_MEASURED = "stopped before the new model was measured: it has no scores but the loss"
NO_OBJECTS = (
    "no object is painted on any tile, so there is nothing to learn: the new model does not take over"
)


@dataclass(frozen=True, slots=True)
class Budget:
    """Training budget: seconds, steps, or whichever comes first.

    Parameters
    ----------
    seconds, steps
        At least one of the two.
    device
        ``auto``, ``cpu`` or ``cuda``.
    seed
        Decides patches and augmentation.
    stops_when_flat
        Whether it ends early once the held-out loss no longer falls.

    Raises
    ------
    InputError
        If there is neither, one is not positive, there is no such device, or the seed is negative.
    """

    seconds: float | None = 120.0
    steps: int | None = None
    device: str = "auto"
    seed: int = 0
    stops_when_flat: bool = False

    def __post_init__(self) -> None:
        choose_device(self.device)
        if self.seed < 0:
            raise InputError(f"seed {self.seed} is negative: give 0 or more")
        TrainConfig(time_budget=self.seconds, max_steps=self.steps)

    def rest(self, steps: int, seconds: float) -> Budget:
        """Return what an earlier part of the work leaves; see `TrainConfig.rest`."""
        left = TrainConfig(time_budget=self.seconds, max_steps=self.steps).rest(steps, seconds)
        return replace(self, seconds=left.time_budget, steps=left.max_steps)

    @property
    def settings(self) -> dict[str, str | int | float | bool | None]:
        """What the record of a run keeps of it, and by which a run that was cut off is known again."""
        return {"seed": self.seed, "seconds": self.seconds, "steps": self.steps}


@dataclass(frozen=True, slots=True)
class Fitted:
    """Result of a training.

    Parameters
    ----------
    network, decode
        The model.
    result
        Record of the training, with the weights of the network.
    judgement
        On the held-out part, with a decoding that was tuned on the rest; that of the model is tuned on all.
    note
        Why scores are missing or it may not take over, empty where there is nothing to say.
    share, choice
        Which part of the way from the start to the trained weights was kept, and why not all of it; None and
        empty where there was no choice.
    has_objects
        Whether there was an object to learn from.
    """

    network: ResidualUNet
    result: TrainResult
    decode: DecodeSettings
    judgement: Judgement
    note: str = ""
    share: float | None = None
    choice: str = ""
    has_objects: bool = True


@dataclass(frozen=True, slots=True)
class Fitting:
    """Adapts networks to the same examples, each in the same way.

    Parameters
    ----------
    examples
        What to learn from, on the model's grid.
    structure
        Decides what the decoding is tuned for.
    report, cancel
        Progress, and the token that stops the work.
    fine_tuning
        Recipe by which a pretrained network is trained; fresh weights have a rate of their own and none of
        the parts.
    unlabelled
        Images of the target without labels, on the model's grid, for the parts that learn from these.
    """

    examples: Sequence[Example]
    structure: str | None
    report: Report
    cancel: CancelToken
    fine_tuning: FineTuning = field(default_factory=FineTuning)
    unlabelled: Images = ()

    def fit(self, start: Model, budget: Budget, checkpoint: Path | None = None) -> Fitted:
        """Train a model's network (it is changed), and keep what is best on the way to the trained weights.

        See `choose`. Fresh weights and what was not trained at all leave no choice. Nor do tiles without an
        object, from which there is nothing to learn but that there are none.

        Raises
        ------
        InputError
            If there is nothing to learn from, or the model was imported as a finished network.
        """
        device = choose_device(budget.device)
        network, decode = trainable(start.network, start.name), start.decode
        # A copy, as the training changes the network; one that is resumed is given the same start again.
        untouched = network.stored_weights()
        if not self.has_objects:
            self.report(note(f"{NO_OBJECTS}"))
        trainer = self._trainer(start, untouched, budget, checkpoint)
        result = trainer.fit(network, self.examples, report=self.report, cancel=self.cancel)
        if start.name == SCRATCH or not result.steps or not self.has_objects:
            return self.judge(build_network(network.spec, result.weights), result, decode, device)
        return self._choose(start, untouched, result, device)

    def _trainer(self, start: Model, untouched: Weights, budget: Budget, checkpoint: Path | None) -> Trainer:
        device, spec = choose_device(budget.device), trainable(start.network, start.name).spec
        if start.name == SCRATCH:
            return Trainer(train_config(spec, budget, RATE_SCRATCH), device, checkpoint)
        config = self.fine_tuning.configure(train_config(spec, budget, RATE_ADAPTED), self.examples)
        auxiliary = self.fine_tuning.auxiliary(untouched, self.unlabelled, config.patch)
        return Trainer(config, device, checkpoint, auxiliary)

    @property
    def has_objects(self) -> bool:
        """Whether an object was painted on the examples."""
        return any(np.any(example.labels("both") >= FIRST_OBJECT) for example in self.examples)

    def judge(
        self, network: ResidualUNet, result: TrainResult, decode: DecodeSettings, device: torch.device
    ) -> Fitted:
        """Tune the decoding of a trained network and judge it, also where its training was stopped.

        Where that is stopped at once, `decode` is kept, and of the scores there is the loss alone.
        """
        self.report(Progress(result.steps, result.steps, "measuring the new model"))
        try:
            # The wish to stop was one to stop training: how good the model is can still be wanted.
            judged_with, judgement = self.measure(network, device, cancel=self.cancel.at_once)
        except Cancelled:
            return self._unmeasured(network, result, decode)
        decode = self._tune_at_last(network, judged_with, device)
        note = "" if self.has_objects else NO_OBJECTS
        return Fitted(network, result, decode, judgement, note, has_objects=self.has_objects)

    def _choose(self, start: Model, untouched: Weights, result: TrainResult, device: torch.device) -> Fitted:
        """Judge points on the way from the start to the trained weights, and keep one of them."""
        spec = trainable(start.network, start.name).spec
        candidates: list[WeightsCandidate] = []
        try:
            for place, share in enumerate(SHARES, 1):
                words = f"measuring the new model, {place} of {len(SHARES)}"
                self.report(Progress(result.steps, result.steps, words))
                network = build_network(spec, mix_weights(untouched, result.weights, share))
                candidates += self._candidates(network, share, start.decode if share == 0 else None, device)
        except Cancelled:
            return self._unmeasured(build_network(spec, result.weights), result, start.decode)
        chosen = choose(candidates)
        name = start.name if start.source is None else "the source"
        choice = describe_choice(chosen, candidates[-1], name, self.structure)
        weights = mix_weights(untouched, result.weights, chosen.share)
        kept = replace(result, weights=weights)
        network = build_network(spec, weights)
        decode = self._tune_at_last(network, chosen.decode, device) if chosen.is_tuned else chosen.decode
        return Fitted(network, kept, decode, chosen.judgement, share=chosen.share, choice=choice)

    def _candidates(
        self, network: ResidualUNet, share: float, own: DecodeSettings | None, device: torch.device
    ) -> Iterator[WeightsCandidate]:
        """Yield a network with its own decoding, if it has one, and with one tuned on what is trained on."""
        cancel = self.cancel.at_once
        predictions = self._predict(network, device, cancel)
        loss = self._held_out_loss(network, device, cancel)
        if own is not None:
            yield WeightsCandidate(share, own, judge(predictions, own, loss, cancel), is_tuned=False)
        yield WeightsCandidate(share, *_tune_and_judge(predictions, loss, cancel))

    def _held_out_loss(self, network: Network, device: torch.device, cancel: CancelToken) -> float | None:
        """Return the loss on what is held out, which no decoding changes; None where nothing is."""
        held_out = HeldOutLoss(self.examples, device)
        return held_out(network, cancel) if held_out else None

    def _tune_at_last(
        self, network: ResidualUNet, judged_with: DecodeSettings, device: torch.device
    ) -> DecodeSettings:
        """Tune the decoding on all annotated pixels; if stopped meanwhile, that of the judgement stays."""
        if not HeldOutLoss(self.examples, device):
            return judged_with
        try:
            return self.tune(network, device, self.cancel.at_once)
        except Cancelled:
            return judged_with

    def _unmeasured(self, network: ResidualUNet, result: TrainResult, decode: DecodeSettings) -> Fitted:
        """Return a trained network that nobody waited for to be measured."""
        loss = Judgement(result.held_out_loss, {})
        result = replace(result, stopped_by="cancel")
        return Fitted(network, result, decode, loss, NOT_MEASURED, has_objects=self.has_objects)

    def measure(
        self,
        network: Network,
        device: torch.device,
        cancel: CancelToken | None = None,
    ) -> tuple[DecodeSettings, Judgement]:
        """Judge a network on what is held out, with decode settings tuned on what is trained on.

        Raises
        ------
        Cancelled
            When `cancel`, by default the token that stops the work, is.
        """
        cancel = cancel or self.cancel
        predictions = self._predict(network, device, cancel)
        return _tune_and_judge(predictions, self._held_out_loss(network, device, cancel), cancel)

    def tune(
        self, network: Network, device: torch.device, cancel: CancelToken | None = None
    ) -> DecodeSettings:
        """Return decode settings for a network, tuned on all annotated pixels: those for use.

        Raises
        ------
        Cancelled
            When `cancel`, by default the token that stops the work, is.
        """
        cancel = cancel or self.cancel
        return calibrate_model(self._predict(network, device, cancel), cancel, "both")

    def _predict(self, network: Network, device: torch.device, cancel: CancelToken) -> Predictions:
        network.to(device).eval()
        return predict_examples(network, self.examples, self.structure, device, cancel)


def _tune_and_judge(
    predictions: Predictions, loss: float | None, cancel: CancelToken
) -> tuple[DecodeSettings, Judgement]:
    decode = calibrate_model(predictions, cancel)
    return decode, judge(predictions, decode, loss, cancel)


def train_config(spec: NetworkSpec, budget: Budget, rate: float = RATE_ADAPTED) -> TrainConfig:
    """Return how a network of a specification is trained within a budget."""
    return TrainConfig(
        time_budget=budget.seconds,
        max_steps=budget.steps,
        learning_rate=rate,
        patch=_patch(spec),
        batch_size=BATCH[spec.ndim],
        seed=budget.seed,
        stops_when_flat=budget.stops_when_flat,
    )


def _patch(spec: NetworkSpec) -> tuple[int, ...]:
    """Return the usual shape of a patch, rounded up to what the network can take."""
    usual = zip(PATCH[spec.ndim], spec.total_stride, strict=True)
    return tuple(-(-n // stride) * stride for n, stride in usual)


def make_examples(view: ModelView, tiles: Sequence[LabelledTile]) -> list[Example]:
    """Return one example a tile, on the model's grid, with its held-out part and image context around it.

    A 3-D model sees slices on both sides of a painted one as well. Nothing is labelled there: a single slice
    teaches affinities within it and none along z (sparse annotation, Çiçek et al. 2016).

    Raises
    ------
    InputError
        If no pixel is left to learn from.
    """
    examples = [_example(view, part) for part in split_holdout(tiles)]
    if not any(np.any(example.train != UNLABELLED) for example in examples):
        raise InputError(
            f"the {len(tiles)} annotated tiles hold no labelled pixel outside the parts that are kept apart "
            "to judge the training: paint more of them"
        )
    return examples


def _example(view: ModelView, part: PixelSplit) -> Example:
    labels = _with_small_ids(part.labelled_tile.labels)
    tile = part.labelled_tile.tile
    halo = view.on_image(HALO[view.spec.ndim])
    around = tile.grow(halo)

    def on_model(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
        kept = np.where(mask, labels, UNLABELLED)
        if view.spec.ndim == 3 and tile.shape[0] == 1:
            return _on_one_slice(view, np.pad(kept[0], [(h, h) for h in halo[1:]]), around)
        padded = np.pad(kept, [(h, h) for h in halo], constant_values=UNLABELLED)
        return view.labels_to_model(padded, around)

    return Example(view.read(around), on_model(part.train_mask), on_model(part.validation_mask))


def _on_one_slice(view: ModelView, painted: NDArray[np.uint32], around: Tile) -> NDArray[np.int32]:
    """Put a painted slice onto the slice of the model's grid at its middle, whichever of both is thicker.

    Resampled like any label, it would be left out by a model of thicker slices, and repeated for one of
    thinner ones, whose affinities along z it says nothing of.
    """
    labels = np.zeros(view.shape_on_model(around), np.int32)
    labels[len(labels) // 2] = resample_labels(painted, labels.shape[1:])
    return labels


def _with_small_ids(labels: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Give the objects of a tile small ids: large ones are not exact in float32, or negative in int32."""
    inverse = np.unique(np.append(labels, [UNLABELLED, BACKGROUND]), return_inverse=True)[1]
    return inverse[:-2].reshape(labels.shape).astype(np.uint32)
