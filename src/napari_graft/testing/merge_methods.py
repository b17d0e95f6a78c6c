"""What every merge method keeps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.merging.method import MergeContext, MergeMethod
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.config import TrainConfig
from napari_graft.training.examples import Example


def make_members(n: int = 2) -> list[ResidualUNet]:
    """Return small networks of one architecture with random weights."""
    return [build_network(ModelSpec(widths=(8, 16)), seed=seed) for seed in range(n)]


def make_lesson() -> MergeContext:
    """Return an annotated tile of two objects, and two steps to learn from it."""
    rng = np.random.default_rng(0)
    labels = np.ones((64, 64), np.int32)
    labels[8:24, 8:24], labels[36:56, 30:60] = 2, 3
    image = (0.3 * rng.random((64, 64)) + 0.5 * (labels > 1)).astype(np.float32)
    train, validation = labels.copy(), labels.copy()
    train[:28], validation[28:] = 0, 0
    return MergeContext(
        examples=[Example(image, train, validation)],
        config=TrainConfig(time_budget=None, max_steps=2, patch=(32, 32), batch_size=1),
        device=torch.device("cpu"),
        checkpoint=None,
        report=ignore_progress,
        cancel=CancelToken(),
    )


class MergeMethodContract:
    """Tests of a `MergeMethod`: set `method`."""

    method: MergeMethod

    def test_its_share_of_the_budget_leaves_something_for_the_training(self) -> None:
        assert 0 <= self.method.share_of_budget < 1

    def test_it_returns_one_network_of_the_architecture_and_leaves_the_members_alone(self) -> None:
        members = make_members()
        before = [{name: value.copy() for name, value in one.stored_weights().items()} for one in members]
        merged = self.method.merge(members, make_lesson())

        assert merged.network.spec == members[0].spec
        assert all(np.isfinite(value).all() for value in merged.network.stored_weights().values())
        for member, kept in zip(members, before, strict=True):
            for name, value in member.stored_weights().items():
                np.testing.assert_array_equal(value, kept[name])

    def test_two_equal_networks_merge_into_that_network(self) -> None:
        if self.method.share_of_budget:
            pytest.skip("it learns, so what comes out may differ")
        (member,) = make_members(1)
        merged = self.method.merge([member, member], make_lesson())

        for name, value in merged.network.stored_weights().items():
            np.testing.assert_allclose(value, member.stored_weights()[name], rtol=1e-5, atol=1e-6)
