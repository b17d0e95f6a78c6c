from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_graft.core.progress import CancelToken
from napari_graft.merging import slices
from napari_graft.merging.consistency import ForegroundPrior, painted_foreground
from napari_graft.merging.distillation import DistilledEnsemble, EnsembleLoss, ensemble_weights
from napari_graft.merging.kernel import Kernel
from napari_graft.merging.method import MergeContext
from napari_graft.merging.mixed_unet import MixedUNet, gain_for
from napari_graft.merging.probing import Probing
from napari_graft.merging.slices import Slices
from napari_graft.merging.soup import FEWEST_INGREDIENTS, RATES, GreedySoup, Ingredient, average_of, greedy
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.testing.contracts import make_lesson, make_members
from napari_graft.training.auxiliary import TrainingStep
from napari_graft.training.patches import Batch
from napari_graft.training.unlabelled import Images


class Image:
    """A target whose distances are given."""

    def __init__(self, *distances: float | None) -> None:
        self._distances = distances

    def images(self) -> Images:
        return [np.random.default_rng(5).normal(size=(48, 48)).astype(np.float32)]

    def distances(self) -> tuple[float | None, ...]:
        return self._distances


def lesson(steps: int = 2, **fields: object) -> MergeContext:
    context = make_lesson()
    config = replace(context.config, max_steps=steps, n_validations=1)
    return replace(context, config=config, **fields)  # type: ignore[arg-type]


def step_of(network: ResidualUNet | MixedUNet) -> TrainingStep:
    batch = Batch(torch.zeros(2, 1, 32, 32), torch.ones(2, 32, 32, dtype=torch.int32))
    return TrainingStep(network, network, batch, 1.0, np.random.default_rng(0))


def movement(shares: dict[str, np.ndarray]) -> float:
    return max(float(np.abs(one - 0.5).max()) for one in shares.values())


@pytest.mark.parametrize("steps", [6, 12])
def test_shares_leave_the_average_however_few_steps_there_are(steps: int) -> None:
    context = lesson(steps)
    far = movement(dict(Probing().merge(make_members(), context).shares))
    near = movement(dict(Kernel().merge(make_members(), context).shares))
    assert far > max(0.3, 2 * near)


def test_a_gain_that_follows_the_steps_can_bring_a_share_all_the_way() -> None:
    for n_steps in (10, 100, 1000):
        difference = gain_for(1e-3, n_steps) * 2 * (1e-3 / 2) * n_steps
        assert 1 / (1 + np.exp(-difference)) > 0.999


def test_slices_have_shares_of_their_own_only_where_there_are_many_tiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []

    def noting(mixed: MixedUNet, *more: object) -> object:
        sizes.append(sum(one.numel() for one in mixed.parameters()))
        return more

    monkeypatch.setattr(slices, "learn_shares", noting)
    Slices().merge(make_members(), lesson())
    context = lesson()
    Slices().merge(make_members(), replace(context, examples=[*context.examples] * slices.FEWEST_TILES))
    assert sizes[1] > 3 * sizes[0]


def test_slices_begin_as_the_average_and_fold_into_what_answers_alike() -> None:
    members, image = make_members(), torch.randn(1, 1, 32, 32)
    mixed = MixedUNet(members, is_per_slice=True)
    torch.testing.assert_close(mixed(image), average_of(members)(image), rtol=1e-4, atol=1e-5)
    assert mixed.spread().item() == 0
    with torch.no_grad():
        for one in mixed.logits.values():
            one.normal_(0, 0.05)
    assert slices.pull_to_average(step_of(mixed)).item() > 0
    torch.testing.assert_close(mixed.fold()(image), mixed(image), rtol=1e-4, atol=1e-5)
    for of_filters in mixed.shares().values():
        np.testing.assert_allclose(of_filters.sum(0), 1, rtol=1e-5)


def test_the_prior_asks_for_as_much_foreground_as_was_painted() -> None:
    context = lesson()
    painted = painted_foreground(context.examples)
    assert painted == np.mean(context.examples[0].train[context.examples[0].train > 0] > 1)
    network = make_members(1)[0]
    drawn = step_of(network)
    found = {wanted: ForegroundPrior(Image().images(), (32, 32), wanted)(drawn) for wanted in (0.0, 1.0)}
    assert found[0.0].item() > 0
    assert found[1.0].item() > 0
    found[0.0].backward()
    assert network.get_parameter("head.weight").grad is not None


def test_weights_fall_with_the_distance_and_are_those_that_minimise_the_objective() -> None:
    distances = np.array([0.02, 0.05, 0.3])
    weights = ensemble_weights(list(distances), 0.05)
    assert weights.sum() == pytest.approx(1)
    assert list(weights) == sorted(weights, reverse=True)

    def objective(w: np.ndarray) -> float:
        return float((w * distances).sum() + 0.05 * (w * np.log(w)).sum())

    rng = np.random.default_rng(0)
    assert all(objective(weights) <= objective(one) for one in rng.dirichlet(np.ones(3), 200))
    assert ensemble_weights([None, 0.1]).tolist() == [0.5, 0.5]


def test_the_student_learns_what_the_nearer_sources_say() -> None:
    members = make_members()
    images, context = Image().images(), lesson()
    near = EnsembleLoss(members, np.array([0.995, 0.005]), images, context)
    far = EnsembleLoss(members, np.array([0.005, 0.995]), images, context)
    student = build_network(members[0].spec, members[0].stored_weights())
    assert near(step_of(student)).item() < far(step_of(student)).item()
    merged = DistilledEnsemble().merge(members, lesson(8, target=Image(0.4, 0.0)))
    for one in merged.shares.values():
        np.testing.assert_allclose(one[1], ensemble_weights([0.4, 0.0])[1], atol=1e-6)
    after = far(step_of(merged.network)).item()
    assert after < far(step_of(make_members(1)[0])).item()


def bias_score(wanted: float) -> Callable[[ResidualUNet], float]:
    """Score networks by how near the first bias of their head is to a number."""
    return lambda network: -abs(float(network.get_parameter("head.bias")[0].detach()) - wanted)


def with_bias(value: float) -> ResidualUNet:
    network = make_members(1)[0]
    with torch.no_grad():
        network.get_parameter("head.bias")[0] = value
    return network


def test_only_what_makes_the_soup_no_worse_goes_into_it() -> None:
    context = lesson(judge=bias_score(1.0))
    pots = [Ingredient(with_bias(value), n, 0.0) for n, value in enumerate((0.8, 1.4, -3.0))]
    pots = [replace(one, score=context.score(one.network)) for one in pots]
    soup = greedy(pots, context)
    assert [one.member for one in soup] == [0, 1]
    mixed = average_of([one.network for one in soup])
    assert float(mixed.get_parameter("head.bias")[0].detach()) == pytest.approx(1.1)


def test_two_sources_are_tuned_at_two_rates_and_each_training_has_a_file_of_its_own(tmp_path: Path) -> None:
    context = lesson(8, checkpoint=tmp_path / "mixing.safetensors")
    merged = GreedySoup().merge(make_members(), context)
    assert merged.training is not None
    assert merged.training.steps == 8
    n = len(RATES) * 2
    assert len(list(tmp_path.glob("mixing*.safetensors"))) == n >= FEWEST_INGREDIENTS
    again = GreedySoup().merge(make_members(), context)
    for name, value in merged.network.stored_weights().items():
        np.testing.assert_array_equal(again.network.stored_weights()[name], value)


def test_a_stopped_soup_is_the_average_of_what_there_is() -> None:
    cancel = CancelToken()
    cancel.cancel()
    members = make_members()
    merged = GreedySoup().merge(members, lesson(cancel=cancel))
    assert merged.training is not None
    assert merged.training.stopped_by == "cancel"
    for name, value in average_of(members).stored_weights().items():
        np.testing.assert_allclose(merged.network.stored_weights()[name], value, atol=1e-6)
