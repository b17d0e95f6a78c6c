from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.io.weights import save_tensors
from napari_graft.nets import build_network
from napari_graft.project.run import checkpoint_age
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.config import FEWEST_STEPS, FEWEST_VALIDATIONS, Clock, TrainConfig
from napari_graft.training.examples import Example
from napari_graft.training.losses import HeldOutLoss
from napari_graft.training.trainer import Trainer

SPEC = ModelSpec(widths=(8, 16), offsets=((-1, 0), (0, -1), (-4, 0), (0, -4)))
CONFIG = TrainConfig(time_budget=None, max_steps=12, patch=(32, 32), batch_size=2, n_validations=4)
CPU = torch.device("cpu")


def _stripes(seed: int = 0) -> Example:
    """Bright bars on dark ground, each an object; the right third is held out."""
    rng = np.random.default_rng(seed)
    labels = np.ones((64, 64), np.int32)
    for i, start in enumerate(range(4, 60, 12)):
        labels[start : start + 8] = i + 2
    image = np.where(labels > 1, 0.8, -0.8) + rng.normal(0, 0.1, labels.shape)
    train, held_out = labels.copy(), labels.copy()
    train[:, 44:] = 0
    held_out[:, :44] = 0
    return Example(image.astype(np.float32), train, held_out)


def _fit(
    config: TrainConfig,
    checkpoint: Path | None = None,
    cancel: CancelToken | None = None,
    report=ignore_progress,
):
    trainer = Trainer(config, CPU, checkpoint)
    return trainer.fit(
        build_network(SPEC, seed=1), [_stripes()], report=report, cancel=cancel or CancelToken()
    )


def test_training_lowers_the_loss_on_pixels_it_never_saw() -> None:
    result = _fit(replace(CONFIG, max_steps=40, learning_rate=1e-2))

    first, best = result.history[0].held_out, result.held_out_loss
    assert first is not None
    assert best is not None
    assert best < 0.8 * first
    assert result.stopped_by == "steps"
    assert result.steps == 40


def test_the_best_weights_are_returned_and_not_the_last() -> None:
    result = _fit(replace(CONFIG, max_steps=30))

    loss = HeldOutLoss([_stripes()], CPU)(build_network(SPEC, result.weights).eval(), CancelToken())

    assert loss == pytest.approx(result.held_out_loss, rel=1e-3)
    assert result.best_step in [moment.step for moment in result.history]


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = _fit(CONFIG), _fit(CONFIG)

    assert all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)


def test_a_cancelled_training_keeps_its_best_and_says_so() -> None:
    token = CancelToken()
    seen: list[Progress] = []

    def report(state: Progress) -> None:
        seen.append(state)
        if state.done == 5:
            token.cancel()

    result = _fit(replace(CONFIG, max_steps=10_000), cancel=token, report=report)

    assert result.stopped_by == "cancel"
    assert result.steps == 5
    assert result.weights.keys() == build_network(SPEC).stored_weights().keys()


def test_a_training_that_no_longer_gets_better_ends_early_where_that_is_asked_for() -> None:
    # With a rate of nearly nothing the loss on the held-out part stays where it is.
    still = replace(CONFIG, max_steps=144, n_validations=12, learning_rate=1e-12, patch=(16, 16))

    early = _fit(replace(still, stops_when_flat=True))

    assert early.stopped_by == "flat"
    assert FEWEST_STEPS <= early.steps < 144
    assert len(early.history) >= FEWEST_VALIDATIONS


def test_a_training_that_still_gets_better_goes_on_to_its_end() -> None:
    config = replace(CONFIG, max_steps=120, n_validations=12, learning_rate=2e-4, stops_when_flat=True)

    assert _fit(config).stopped_by == "steps"


def test_a_short_training_is_never_called_flat() -> None:
    still = replace(CONFIG, max_steps=24, n_validations=12, learning_rate=1e-12, stops_when_flat=True)

    assert _fit(still).stopped_by == "steps"


def test_how_far_a_training_was_is_told_by_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    _fit(replace(CONFIG, max_steps=5, checkpoint_seconds=0.0), path)

    steps, seconds = checkpoint_age(path)

    assert steps == 5
    assert 0 < seconds < 60
    save_tensors(path, {"w": np.zeros(1)}, {"training": "no json"})
    with pytest.raises(InputError, match="no checkpoint"):
        checkpoint_age(path)


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    config = replace(CONFIG, max_steps=12, checkpoint_seconds=0.0)
    token = CancelToken()

    def stop_at_7(state: Progress) -> None:
        if state.done == 7:
            token.cancel()

    _fit(config, tmp_path / "checkpoint.safetensors", token, stop_at_7)
    resumed = _fit(config, tmp_path / "checkpoint.safetensors")
    whole = _fit(config)

    assert resumed.steps == whole.steps == 12
    for name, value in whole.weights.items():
        np.testing.assert_allclose(resumed.weights[name], value, rtol=2e-3, atol=2e-4)


def test_a_training_without_held_out_pixels_keeps_the_last_average() -> None:
    example = _stripes()
    alone = Example(example.image, example.train, np.zeros_like(example.train))

    result = Trainer(CONFIG, CPU).fit(
        build_network(SPEC), [alone], report=ignore_progress, cancel=CancelToken()
    )

    assert result.held_out_loss is None
    assert result.best_step == result.steps


def test_a_3d_network_trains_with_the_same_code() -> None:
    spec = ModelSpec(ndim=3, widths=(8, 16), offsets=((-1, 0, 0), (0, -1, 0), (0, 0, -1), (0, -4, 0)))
    labels = np.ones((8, 32, 32), np.int32)
    labels[:, 8:20] = 2
    example = Example(labels.astype(np.float32) - 1.5, labels, np.zeros_like(labels))
    config = replace(CONFIG, max_steps=3, patch=(8, 32, 32))

    result = Trainer(config, CPU).fit(
        build_network(spec), [example], report=ignore_progress, cancel=CancelToken()
    )

    assert result.steps == 3


def test_running_out_of_memory_halves_the_batch_and_then_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_graft.training import trainer as module

    honest, sizes, messages = module.masked_loss, [], []

    def greedy(logits, targets):
        sizes.append(len(logits))
        if len(logits) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return honest(logits, targets)

    monkeypatch.setattr(module, "masked_loss", greedy)
    result = _fit(replace(CONFIG, batch_size=4, max_steps=3), report=lambda p: messages.append(p.message))

    assert sizes[:3] == [4, 2, 1]
    assert result.steps == 3
    assert "memory" in messages[-1]


class _FakeTime:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_clock_follows_a_time_budget_and_foretells_the_steps() -> None:
    time = _FakeTime()
    clock = Clock(TrainConfig(time_budget=100.0), now=time)
    rates = []
    for _ in range(50):
        time.now += 2.0
        rates.append(clock.rate)
        clock.tick()

    assert clock.expected_steps == 50
    assert clock.ended_by == "time"
    assert rates[0] < rates[5] > rates[20] > rates[-1]
    assert rates[-1] < 0.05


def test_the_rate_still_ends_with_the_time_when_the_machine_slows_down() -> None:
    time = _FakeTime()
    clock = Clock(TrainConfig(time_budget=100.0), now=time)
    while clock.ended_by is None:
        time.now += 1.0 if clock.steps < 20 else 5.0
        last = clock.rate
        clock.tick()

    assert clock.steps == 36
    assert last < 0.05
