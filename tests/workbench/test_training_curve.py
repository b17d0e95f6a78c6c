from __future__ import annotations

import numpy as np
import pytest

from napari_graft.project.run import RunMoment
from napari_graft.workbench.train.rounds import TrainingCurve


def test_the_training_loss_is_smoothed_and_the_held_out_loss_is_not() -> None:
    curve = TrainingCurve()
    rng = np.random.default_rng(0)
    losses = 0.5 + rng.normal(0, 0.1, 400)
    for i, loss in enumerate(losses):
        curve.add(i / 60, float(loss), 0.4 if i < 200 else 0.3)

    shown = np.array(curve.loss)[:, 1]
    assert shown[100:].std() < 0.4 * losses[100:].std()
    assert shown[100:].mean() == pytest.approx(0.5, abs=0.02)
    assert curve.held_out == [(0.0, 0.4), (200 / 60, 0.3)]


def test_a_long_training_keeps_few_points_from_its_beginning_to_its_end() -> None:
    curve = TrainingCurve()
    for i in range(30_000):
        curve.add(float(i), 1.0, None)

    minutes = [minute for minute, _ in curve.loss]
    assert len(minutes) <= 2000
    assert minutes == sorted(minutes)
    assert (minutes[0], minutes[-1]) == (0.0, 29_999.0)


def test_the_curve_of_a_finished_training_is_that_of_its_record() -> None:
    curve = TrainingCurve.from_history(
        [RunMoment(step=0, seconds=0, held_out=0.9), RunMoment(step=9, seconds=30, loss=0.8, held_out=0.7)]
    )

    assert curve.loss == [(0.5, 0.8)]
    assert curve.held_out == [(0.0, 0.9), (0.5, 0.7)]
    assert not TrainingCurve()
