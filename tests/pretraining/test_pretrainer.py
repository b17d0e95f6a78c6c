from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pretraining_material import CPU, SPEC, SPEC_3D, images_of, network_of

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.pretraining.config import PretrainConfig, PretrainResult
from napari_graft.pretraining.distillation import Distillation
from napari_graft.pretraining.pretrainer import Pretrainer, PretrainingData
from napari_graft.pretraining.registry import OBJECTIVES
from napari_graft.pretraining.replay import ReplayContext, ReplayStream
from napari_graft.project.run import checkpoint_age
from napari_graft.sources.network_spec import ModelSpec

CONFIG = PretrainConfig(
    None, 8, patch=(32, 32), batch_size=2, self_supervised_steps=2, replay_steps=2, checkpoint_seconds=0
)


class _KilledError(Exception):
    """Stands for the end of the process."""


class Rising(ReplayStream):
    """A replay whose loss grows with every look, and that teaches nothing."""

    def __init__(self) -> None:
        self.value = 1.0

    def loss(self, network: ResidualUNet, batch_size: int, rng: np.random.Generator) -> torch.Tensor:
        if not torch.is_grad_enabled():
            self.value += 0.02
        return torch.tensor(self.value)


class Greedy(ReplayStream):
    """A replay that finds no room for more than one patch."""

    def loss(self, network: ResidualUNet, batch_size: int, rng: np.random.Generator) -> torch.Tensor:
        if batch_size > 1 and torch.is_grad_enabled():
            raise torch.OutOfMemoryError("no room")
        return sum(one.square().sum() for one in network.parameters())  # type: ignore[return-value]


def material(
    objective: str = "masked", streams: tuple[ReplayStream, ...] | None = None, spec: ModelSpec = SPEC
) -> PretrainingData:
    images, patch = images_of(spec.ndim), CONFIG.patch if spec.ndim == 2 else (8, 16, 16)
    if streams is None:
        streams = (Distillation(ReplayContext(network_of(spec), images, patch)),)
    return PretrainingData(images, OBJECTIVES[objective], streams)


def fit(
    of: PretrainingData | None = None,
    config: PretrainConfig = CONFIG,
    checkpoint: Path | None = None,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
) -> PretrainResult:
    network = network_of(SPEC if len(config.patch) == 2 else SPEC_3D)
    return Pretrainer(config, CPU, checkpoint).fit(
        network, of or material(), report=report, cancel=cancel or CancelToken()
    )


def assert_same(one: PretrainResult, other: PretrainResult) -> None:
    for name, value in one.weights.items():
        np.testing.assert_allclose(other.weights[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


def changed(result: PretrainResult, spec: ModelSpec = SPEC) -> set[str]:
    start = network_of(spec).stored_weights()
    moved = (name for name, value in result.weights.items() if not np.array_equal(value, start[name]))
    return {name.split(".")[0] for name in moved}


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_self_supervision_alone_changes_the_encoder_alone(name: str) -> None:
    result = fit(material(name, ()), replace(CONFIG, replay_steps=0))
    assert changed(result) == {"encoder"}
    assert all(moment.check is None and moment.replay is None for moment in result.history)
    assert [moment.self_supervised is None for moment in result.history][:2] == [True, False]


def test_replay_changes_the_whole_network() -> None:
    result = fit(config=replace(CONFIG, tolerance=100.0))
    assert changed(result) == {"encoder", "reducers", "decoder", "head"}


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_stacks_are_prepared_as_images_are(name: str) -> None:
    config = replace(CONFIG, patch=(8, 16, 16), max_steps=4, tolerance=100.0)
    result = fit(material(name, spec=SPEC_3D), config)
    assert result.steps == result.best_step == 4
    assert changed(result, SPEC_3D) == {"encoder", "reducers", "decoder", "head"}


def test_self_supervision_learns() -> None:
    config = replace(CONFIG, max_steps=120, replay_steps=0, self_supervised_steps=20, learning_rate=3e-3)
    history = fit(material(streams=()), config).history[1:]
    losses = [moment.self_supervised for moment in history if moment.self_supervised is not None]
    assert len(losses) == len(history)
    assert losses[-1] < 0.9 * losses[0]


def test_it_alternates_and_draws_both_curves() -> None:
    told: list[Progress] = []
    result = fit(report=told.append)
    assert [set(state.metrics) for state in told[:3]] == [
        {"self_supervised"},
        {"self_supervised"},
        {"self_supervised", "replay"},
    ]
    assert [moment.step for moment in result.history] == [0, 4, 8]
    assert all(m.self_supervised and m.replay and m.check for m in result.history[1:])
    assert result.stopped_by == "steps"


def test_it_ends_when_the_replay_loss_has_risen_and_keeps_what_was_before() -> None:
    # Each look asks twice: 1.03, then 1.07, which is less than 5 % above it, then 1.11, which is more.
    result = fit(material(streams=(Rising(),)), replace(CONFIG, max_steps=100))
    assert result.stopped_by == "replay"
    assert result.steps == 8
    assert result.best_step == 4


def test_a_replay_that_rises_at_once_leaves_the_source_as_it_was() -> None:
    result = fit(material(streams=(Rising(),)), replace(CONFIG, tolerance=0.0, max_steps=2))
    assert result.best_step == 0
    assert result.stopped_by == "replay"
    assert not changed(result)


def test_the_same_seed_gives_the_same_weights_and_another_one_others() -> None:
    first, again, other = fit(), fit(), fit(config=replace(CONFIG, seed=1))
    assert_same(first, again)
    assert any(not np.allclose(other.weights[k], v) for k, v in first.weights.items())


@pytest.mark.parametrize("name", list(OBJECTIVES))
@pytest.mark.parametrize("killed_at", [3, 6])
def test_killed_at_any_step_it_ends_where_it_would_have(name: str, killed_at: int, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"

    def kill(state: Progress) -> None:
        if state.done == killed_at:
            raise _KilledError

    of = material(name)
    with pytest.raises(_KilledError):
        fit(of, checkpoint=path, report=kill)
    assert checkpoint_age(path)[0] == killed_at // 4 * 4
    resumed = fit(material(name), checkpoint=path)
    whole = fit(material(name))
    assert resumed.steps == 8
    assert_same(whole, resumed)
    assert [m.step for m in resumed.history] == [0, 4, 8]


def test_a_damaged_checkpoint_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"nothing")
    result = fit(checkpoint=path)
    assert result.steps == 8
    assert len(list(tmp_path.iterdir())) == 2


def test_cancelled_it_brings_home_the_last_good_cycle() -> None:
    token = CancelToken()

    def report(state: Progress) -> None:
        if state.done == 6:
            token.cancel()

    result = fit(report=report, cancel=token)
    assert (result.stopped_by, result.steps, result.best_step) == ("cancel", 6, 4)
    assert build_network(SPEC, result.weights).spec == SPEC


def test_without_memory_the_batch_becomes_smaller_and_that_is_told() -> None:
    told: list[Progress] = []
    config = replace(CONFIG, batch_size=4, tolerance=100)
    result = fit(material(streams=(Greedy(),)), config, report=told.append)
    assert result.steps == 8
    assert any("going on with 1 patches" in state.message for state in told)


def test_without_any_image_it_is_refused() -> None:
    with pytest.raises(InputError, match="no image to prepare on"):
        fit(PretrainingData([], OBJECTIVES["masked"], ()))


def test_a_budget_of_nothing_and_a_cycle_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="0 steps"):
        PretrainConfig(None, 0)
    with pytest.raises(InputError, match="cycle"):
        replace(CONFIG, self_supervised_steps=0, replay_steps=0)


@pytest.mark.gpu
@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_it_runs_on_a_graphics_card(name: str) -> None:
    of = material(name)
    told = ignore_progress
    device = torch.device("cuda")
    result = Pretrainer(CONFIG, device).fit(network_of(), of, report=told, cancel=CancelToken())
    assert (result.device, result.steps) == ("cuda", 8)
