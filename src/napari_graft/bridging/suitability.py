"""Whether pairs will help: what a translator explains of pairs that it did not learn from, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from napari_graft.bridging.learning import BridgeLearner, Weighing
from napari_graft.bridging.method import BridgeContext, BridgeStates
from napari_graft.bridging.pairs import Image, Pair, PairSplit
from napari_graft.bridging.recipe import Suitability
from napari_graft.bridging.views import GreyView, copy_of, least_squares, with_translator
from napari_graft.core.progress import Progress, Report
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.config import TrainConfig

STEPS = 150
"""Of the translator that is learned only to see what can be explained."""
LEAST_GAIN = 0.02
"""Share of the variance that a translator has to explain beyond the best view."""
LEAST_EXPLAINED = 0.05
MUCH, NEAR, FAR = 0.1, 30.0, 100.0
_RATE = 1e-2
_PATCH = {2: (64, 64), 3: (4, 64, 64)}
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Explained:
    """Share of the variance of held-out partners that is explained, and the translated source.

    Parameters
    ----------
    by_view, by_translator
        At most 1; below 0 where it is worse than the mean.
    network
        The source behind the translator that was learned for it.
    """

    by_view: float
    by_translator: float
    network: ResidualUNet


def explain(source: ResidualUNet, split: PairSplit, context: BridgeContext) -> Explained:
    """Learn a translator by L_rec on some pairs, and measure what it explains of the others.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    view = least_squares(split.training)
    network = with_translator(source, view, seed=context.config.seed)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith("translator."))
    data = replace(context.data, pairs=split.training)
    ndim = source.spec.ndim
    config = TrainConfig(None, STEPS, _PATCH[ndim], _BATCH, learning_rate=_RATE, seed=context.config.seed)
    alone = replace(context, data=data, states=BridgeStates(), report=_as_looking(context.report))
    weighing = Weighing({"squared-reconstruction": 1.0})
    BridgeLearner(network, copy_of(source), weighing, config, alone).learn()
    context.cancel.raise_if_cancelled()
    network = network.requires_grad_(True).cpu().eval()
    by_view = explained_by_view(view, split.held_out)
    return Explained(by_view, explained_by(network, split.held_out), network)


def _as_looking(report: Report) -> Report:
    def tell(state: Progress) -> None:
        report(Progress(state.done, state.total, "finding out whether the pairs will help"))

    return tell


def explained_by_view(view: GreyView, pairs: Sequence[Pair]) -> float:
    """Return ``R² = 1 - Σ(gain a + offset - b)² / Σ(b - mean b)²`` over pairs (a, b)."""
    return _explained([(view.gain * pair.target + view.offset, pair.source) for pair in pairs])


@torch.inference_mode()
def explained_by(network: ResidualUNet, pairs: Sequence[Pair]) -> float:
    """Return R² of the translator of a network over pairs; see `explained_by_view`."""
    return _explained([(translated(network, pair.target), pair.source) for pair in pairs])


@torch.inference_mode()
def translated(network: ResidualUNet, image: Image) -> Image:
    """Return an image (*spatial) as the encoder of a network is shown it, float32."""
    batch = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    seen: Image = network.translate(batch)[0, 0].numpy()
    return seen


def _explained(pairs: Sequence[tuple[Image, Image]]) -> float:
    wanted = np.concatenate([b.ravel() for _, b in pairs]).astype(np.float64)
    found = np.concatenate([a.ravel() for a, _ in pairs]).astype(np.float64)
    total = float(np.square(wanted - wanted.mean()).sum())
    return 1 - float(np.square(wanted - found).sum()) / total if total else 0.0


def judge_pairs(explained: float, by_view: float) -> tuple[bool, str]:
    """Say whether pairs help, and in words why not, by what is explained of those that were held out."""
    if explained < LEAST_EXPLAINED:
        return False, (
            "These pairs cannot help: one modality says next to nothing of the other where nothing was "
            f"learned from ({max(explained, 0):.0%} explained). Do both folders show the same fields?"
        )
    if explained - by_view < LEAST_GAIN:
        return False, (
            "These pairs cannot help: a translator explains no more of them than the brightness and contrast "
            f"of the best view alone ({max(explained, 0):.0%} and {max(by_view, 0):.0%}). Use the source in "
            "its best view, or give more pairs."
        )
    return True, ""


def words_for(found: Suitability) -> str:
    """Say what pairs that help promise, in the words of a biologist."""
    much = "much" if found.gain >= MUCH else "a little"
    first = (
        f"A translator explains {found.explained:.0%} of pairs that it has not seen, the best view "
        f"{max(found.explained_by_view, 0):.0%}: {much} can be learned from them."
    )
    return " ".join([first, *_distance_words(found), *_consistency_words(found)])


def _distance_words(found: Suitability) -> list[str]:
    words = []
    if found.z_pairs is not None and found.z_pairs > FAR:
        words.append("These pairs show another contrast than your image: expect little.")
    elif found.z_pairs is not None and found.z_pairs > NEAR:
        words.append("These pairs look somewhat different from your image.")
    if found.z_before is not None and found.z_after is not None:
        is_nearer = found.z_after < found.z_before
        words.append(
            f"Translated, your image lies {'nearer to' if is_nearer else 'no nearer to'} what the source was "
            f"trained on (z {found.z_before:.0f} before, {found.z_after:.0f} after)."
        )
    return words


def _consistency_words(found: Suitability) -> list[str]:
    before, after = found.consistency_before, found.consistency_after
    if before is None or after is None:
        return []
    return [f"What the source finds is {'more' if after > before else 'no more'} consistent "
            f"({before:.2f} before, {after:.2f} after)."]  # fmt: skip
