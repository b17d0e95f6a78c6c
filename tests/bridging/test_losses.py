"""Each loss against a formula that was written down by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_graft.bridging.losses.adversarial import Adversarial, ReverseGradient
from napari_graft.bridging.losses.distillation import DistillationLoss
from napari_graft.bridging.losses.features import Features
from napari_graft.bridging.losses.information import Information
from napari_graft.bridging.losses.reconstruction import Reconstruction, SquaredReconstruction
from napari_graft.bridging.losses.statistics import Statistics
from napari_graft.bridging.step import BridgeStep
from napari_graft.bridging.views import GreyView, with_translator
from napari_graft.nets.build import build_network
from napari_graft.sources.network_spec import ModelSpec

SCALED = GreyView(2.0, 0.5)


def make_step(view: GreyView = SCALED, foreground: float = 0.3) -> BridgeStep:
    source = build_network(ModelSpec(widths=(8, 16)), seed=1)
    rng = torch.Generator().manual_seed(0)
    target, first, second = (torch.rand(2, 1, 32, 32, generator=rng) for _ in range(3))
    return BridgeStep(with_translator(source, view), source, target, first, second, foreground)


def test_reconstruction_is_the_absolute_error_of_pixels_and_gradients() -> None:
    step = make_step()
    a, b = (2 * step.pair_target + 0.5).numpy(), step.pair_source.numpy()
    wanted = np.abs(a - b).mean()
    wanted += np.abs(np.diff(a, axis=2) - np.diff(b, axis=2)).mean()
    wanted += np.abs(np.diff(a, axis=3) - np.diff(b, axis=3)).mean()

    assert Reconstruction()(step).item() == pytest.approx(wanted, rel=1e-5)
    assert SquaredReconstruction()(step).item() == pytest.approx(((a - b) ** 2).mean(), rel=1e-5)


def test_a_perfect_translation_loses_nothing() -> None:
    step = make_step(GreyView(1.0, 0.0))
    perfect = BridgeStep(step.network, step.source, step.target, step.pair_target, step.pair_target, 0.3)

    assert Reconstruction()(perfect).item() == pytest.approx(0, abs=1e-6)


def test_information_asks_for_sure_answers_and_the_usual_foreground() -> None:
    step = make_step(foreground=0.2)
    p = torch.sigmoid(step.logits[:, :3]).detach().numpy().astype(np.float64)
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p)).mean()
    mean = p[:, 0].mean()
    divergence = 0.2 * np.log(0.2 / mean) + 0.8 * np.log(0.8 / (1 - mean))

    assert Information()(step).item() == pytest.approx(entropy + divergence, rel=1e-4)


def test_distillation_listens_only_where_the_teacher_is_sure() -> None:
    step = make_step()
    vague = torch.zeros_like(step.logits)
    step.__dict__["teacher_logits"] = vague
    assert DistillationLoss()(step).item() == 0

    sure = vague.clone()
    sure[:, 0, 0, 0] = 5.0
    step.__dict__["teacher_logits"] = sure
    p, logit = 1 / (1 + np.exp(-5.0)), step.logits[:, 0, 0, 0].detach().numpy()
    wanted = (np.logaddexp(0, logit) - p * logit).mean()
    assert DistillationLoss()(step).item() == pytest.approx(wanted, rel=1e-4)


def test_features_of_equal_images_in_equal_networks_are_no_loss() -> None:
    step = make_step(GreyView(1.0, 0.0))
    same = BridgeStep(step.network, step.source, step.pair_target, step.pair_target, step.pair_target, 0.3)

    assert Features()(same).item() == pytest.approx(0, abs=1e-8)
    assert Statistics()(same).item() == pytest.approx(0, abs=1e-6)
    assert Features()(step).item() > 0
    assert Statistics()(step).item() > 0


def test_the_discriminator_descends_and_what_it_judges_climbs() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    reversed_: torch.Tensor = ReverseGradient.apply(x)  # type: ignore[no-untyped-call]
    (reversed_ * torch.tensor([3.0, 4.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [-3.0, -4.0]

    step, loss = make_step(), Adversarial(2)
    value = loss(step)
    value.backward()
    assert value.item() == pytest.approx(np.log(2), rel=0.3)
    assert step.network.translator is not None
    assert step.network.translator.gain.grad is not None
