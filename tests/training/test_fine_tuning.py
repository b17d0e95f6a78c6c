from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from napari_graft.core.errors import InputError
from napari_graft.core.labels import BACKGROUND, UNLABELLED
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.nets.build import build_network
from napari_graft.nets.network import Network
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.auxiliary import MeanTeacher, SourceDistance, TrainingStep
from napari_graft.training.config import TrainConfig
from napari_graft.training.copy_paste import paste_objects
from napari_graft.training.examples import Example
from napari_graft.training.fine_tuning import FEWEST_STEPS, FineTuning, steps_for
from napari_graft.training.patches import Augmentation, Batch, PatchSampler
from napari_graft.training.trainer import Trainer
from napari_graft.training.weight_averaging import Weights

SPEC = ModelSpec(widths=(8, 16))
CONFIG = TrainConfig(None, 3, patch=(32, 32), batch_size=1, n_validations=1)
CPU = torch.device("cpu")


def example(side: int = 48) -> Example:
    rng = np.random.default_rng(0)
    labels = np.ones((side, side), np.int32)
    labels[6:18, 6:18], labels[24:40, 10:30] = 2, 3
    image = (labels > 1) + rng.normal(0, 0.1, labels.shape)
    return Example(image.astype(np.float32), labels, np.zeros_like(labels))


def fit(tuning: FineTuning, config: TrainConfig = CONFIG) -> tuple[Weights, Weights]:
    """Return the weights before and after a training."""
    network = build_network(SPEC, seed=1)
    before = network.stored_weights()
    examples = [example()]
    configured = tuning.configure(config, examples)
    auxiliary = tuning.auxiliary(before, [examples[0].image], config.patch)
    trainer = Trainer(configured, CPU, auxiliary=auxiliary)
    return before, trainer.fit(network, examples, report=ignore_progress, cancel=CancelToken()).weights


def moved(before: Weights, after: Weights) -> float:
    return float(np.sqrt(sum(np.square(after[name] - before[name]).sum() for name in before)))


def step(network: Network, average: Network, used: float = 1.0) -> TrainingStep:
    image = torch.zeros(2, 1, 32, 32)
    batch = Batch(image, torch.ones(2, 32, 32, dtype=torch.int32))
    return TrainingStep(network, average, batch, used, np.random.default_rng(0))


def test_nothing_is_added_to_the_usual_training() -> None:
    usual = FineTuning()
    assert usual.configure(CONFIG, [example()]) == CONFIG
    assert usual.auxiliary({}, [], CONFIG.patch) is None


def test_frozen_weights_stay_and_the_others_move() -> None:
    before, after = fit(FineTuning(frozen=("encoder", "reducers")))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed
    assert {name.partition(".")[0] for name in changed} == {"decoder", "head"}


def test_the_pull_is_half_the_squared_distance_and_keeps_the_weights_nearer() -> None:
    network = build_network(SPEC, seed=1)
    start = network.stored_weights()
    pull = SourceDistance(start, 0.5)
    assert pull(step(network, network)).item() == 0
    with torch.no_grad():
        bias = network.get_parameter("head.bias")
        bias.add_(2.0)
    assert pull(step(network, network)).item() == pytest.approx(0.25 * 4 * bias.numel())
    config = replace(CONFIG, max_steps=8)
    assert moved(*fit(FineTuning(source_pull=100.0), config)) < 0.8 * moved(*fit(FineTuning(), config))


def test_a_teacher_asks_for_its_answer_the_more_the_longer_it_has_learned() -> None:
    student, teacher = build_network(SPEC, seed=1), build_network(SPEC, seed=2)
    loss = MeanTeacher([example().image], (32, 32), 2.0)
    early, late = (loss(step(student, teacher, used)) for used in (0.0, 1.0))
    assert 0 < float(early.detach()) < 0.01 * float(late.detach())
    late.backward()
    assert student.get_parameter("head.weight").grad is not None
    assert teacher.get_parameter("head.weight").grad is None
    with pytest.raises(InputError, match="without labels"):
        MeanTeacher([], (32, 32), 1.0)
    before, after = fit(FineTuning(teacher=1.0))
    assert moved(before, after) > 0


def test_longer_averages_lie_nearer_to_the_start() -> None:
    config = replace(CONFIG, max_steps=10)
    assert moved(*fit(FineTuning(averaging=4.0), config)) < moved(*fit(FineTuning(), config))


def test_steps_follow_from_the_labels() -> None:
    config = TrainConfig(None, 5, patch=(10, 10), batch_size=2)
    labels = np.ones((100, 100), np.int32)
    tile = Example(labels.astype(np.float32), labels, np.zeros_like(labels))
    assert steps_for([tile], config, 2.0) == 2 * 10_000 // 200
    assert steps_for([tile, tile], config, 2.0) == 4 * 10_000 // 200
    assert steps_for([tile], config, 1e-6) == FEWEST_STEPS
    assert FineTuning(passes=2.0).configure(config, [tile]).max_steps == 100


@pytest.mark.parametrize(
    "wrong", [{"learning_rate": 0.0}, {"passes": -1.0}, {"copy_paste": 1.5}, {"source_pull": -1.0}]
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        FineTuning(**wrong)


def patches() -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    labels = torch.full((20, 20), BACKGROUND, dtype=torch.int32)
    labels[2:6, 2:6] = 2
    theirs = torch.full((20, 20), BACKGROUND, dtype=torch.int32)
    theirs[10:14, 10:14], theirs[16:, 3:8], theirs[2:4, 14:18] = 2, 3, 4
    theirs[4:8, 14:18] = UNLABELLED
    return torch.zeros(20, 20), labels, (torch.ones(20, 20), theirs)


def test_whole_objects_are_pasted_with_what_they_look_like_and_a_number_of_their_own() -> None:
    image, labels, other = patches()
    seen = set()
    for seed in range(8):
        pasted, annotation = paste_objects(image, labels, other, np.random.default_rng(seed))
        is_new = pasted == 1
        assert torch.equal(is_new, annotation > 2)
        assert torch.equal(annotation[~is_new], labels[~is_new])
        seen.add(int(is_new.sum()))
    # Neither the one at the border nor the one beside what is unlabelled, of which a part may be missing.
    assert seen == {0, 16}


def test_patches_are_given_objects_where_that_is_asked_for() -> None:
    def count(chance: float) -> int:
        sampler = PatchSampler([example()], (40, 40), 8, CPU, Augmentation(copy_paste=chance))
        annotation = sampler.draw(np.random.default_rng(0)).annotation
        return sum(len(torch.unique(one[one > 1])) for one in annotation)

    assert count(1.0) > count(0.0)
