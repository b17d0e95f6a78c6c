"""What every method and every loss of a bridge keeps."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from napari_graft.bridging.losses.registry import BridgeLoss
from napari_graft.bridging.method import BridgeContext, BridgeData, BridgeMethod, BridgeStates
from napari_graft.bridging.pairs import Pair
from napari_graft.bridging.step import BridgeStep
from napari_graft.bridging.views import GreyView, with_translator
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.testing.contracts import make_members
from napari_graft.training.config import TrainConfig


def make_bridge_context(steps: int = 2) -> BridgeContext:
    """Return two pairs of one geometry in two looks, a target, and some steps to learn from them."""
    rng = np.random.default_rng(0)
    pairs = []
    for number in range(2):
        image = gaussian_filter(rng.normal(size=(64, 64)), 2.0).astype(np.float32) * 4
        pairs.append(Pair(f"field{number}", np.abs(image) - 0.5, image))
    target = [np.abs(gaussian_filter(rng.normal(size=(64, 64)), 2.0)).astype(np.float32) for _ in range(2)]
    data = BridgeData(pairs, target, inverted=False, foreground=0.3, decode=DecodeSettings())
    return BridgeContext(
        data=data,
        config=TrainConfig(time_budget=None, max_steps=steps),
        device=torch.device("cpu"),
        states=BridgeStates(),
        report=ignore_progress,
        cancel=CancelToken(),
    )


class BridgeMethodContract:
    """Tests of a `BridgeMethod`: set `method`."""

    method: BridgeMethod

    def test_it_returns_a_network_of_the_source_and_leaves_that_alone(self) -> None:
        (source,) = make_members(1)
        before = {name: value.copy() for name, value in source.stored_weights().items()}
        bridged = self.method.bridge(source, make_bridge_context())

        kept = {"translator", "inverted"}
        assert bridged.network.spec.model_dump(exclude=kept) == source.spec.model_dump(exclude=kept)
        assert all(np.isfinite(value).all() for value in bridged.network.stored_weights().values())
        for name, value in source.stored_weights().items():
            np.testing.assert_array_equal(value, before[name])

    def test_it_spends_no_more_steps_than_it_was_given(self) -> None:
        (source,) = make_members(1)
        training = self.method.bridge(source, make_bridge_context(steps=3)).training

        assert training is None or training.steps <= 3

    def test_it_brings_home_what_it_has_when_asked_to_stop(self) -> None:
        (source,) = make_members(1)
        context = make_bridge_context(steps=100)
        context.cancel.cancel()
        training = self.method.bridge(source, context).training

        assert training is None or training.stopped_by == "cancel"


class BridgeLossContract:
    """Tests of a `BridgeLoss`: set `loss`, as a static method where it is a function."""

    loss: BridgeLoss

    def test_it_is_a_finite_number_from_which_something_can_be_learned(self) -> None:
        (source,) = make_members(1)
        network = with_translator(source, GreyView(1.0, 0.0))
        pairs = torch.from_numpy(np.stack([p.target for p in make_bridge_context().data.pairs]))[:, None]
        step = BridgeStep(network, source, pairs, pairs, pairs.abs(), foreground=0.3)
        loss = self.loss(2)(step)
        loss.backward()

        assert loss.ndim == 0
        assert torch.isfinite(loss)
        found = [one.grad for one in network.parameters() if one.grad is not None]
        assert found
        assert all(torch.isfinite(one).all() for one in found)
