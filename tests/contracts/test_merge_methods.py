"""What every merge method in the registry must keep."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.merging.method import MergeContext
from napari_graft.merging.registry import MERGE_METHODS
from napari_graft.nets.build import build_network
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.config import TrainConfig
from napari_graft.training.examples import Example

SPEC = ModelSpec(widths=(8, 16))
every_method = pytest.mark.parametrize("name", list(MERGE_METHODS))


def example(side=64):
    rng = np.random.default_rng(0)
    labels = np.ones((side, side), np.int32)
    labels[8:24, 8:40], labels[32:60, 30:60] = 2, 3
    image = (labels > 1) + rng.normal(0, 0.2, labels.shape)
    train, held_out = labels.copy(), labels.copy()
    train[:, side // 2 :], held_out[:, : side // 2] = 0, 0
    return Example(image.astype(np.float32), train, held_out)


def context(cancel=None, **fields):
    config = TrainConfig(None, 2, patch=(32, 32), batch_size=1, n_validations=2)
    known = {"checkpoint": None, "report": ignore_progress, "cancel": cancel or CancelToken()}
    return MergeContext([example()], config, torch.device("cpu"), **(known | fields))


def networks(n=2):
    return [build_network(SPEC, seed=seed) for seed in range(n)]


def weights_of_all(members):
    return [{name: value.copy() for name, value in one.stored_weights().items()} for one in members]


@every_method
@pytest.mark.parametrize("n", [2, 3])
def test_the_same_seed_gives_the_same_network_and_the_members_are_left_alone(name, n):
    members = networks(n)
    before = weights_of_all(members)
    first = MERGE_METHODS[name].merge(members, context())
    again = MERGE_METHODS[name].merge(members, context())

    for key, value in first.network.stored_weights().items():
        np.testing.assert_array_equal(again.network.stored_weights()[key], value)
    for old, new in zip(before, weights_of_all(members), strict=True):
        assert all(np.array_equal(old[key], new[key]) for key in old)


@every_method
def test_shares_are_told_for_every_convolution_but_the_head_and_sum_to_one(name):
    merged = MERGE_METHODS[name].merge(networks(3), context())
    convolutions = {key.rpartition(".")[0] for key in merged.network.stored_weights() if "_norm" not in key}
    assert {*merged.shares, "head"} == convolutions
    for of_filters in merged.shares.values():
        assert of_filters.shape[0] == 3
        np.testing.assert_allclose(of_filters.sum(0), 1, rtol=1e-5)


@every_method
def test_copies_of_one_network_begin_as_that_network(name):
    network = build_network(SPEC, seed=5)
    at_once = CancelToken()
    at_once.cancel()
    merged = MERGE_METHODS[name].merge([network, network], context(at_once)).network.stored_weights()
    for key, value in network.stored_weights().items():
        np.testing.assert_allclose(merged[key], value, atol=1e-6, err_msg=key)


@every_method
def test_cancelled_at_once_it_still_returns_a_network(name):
    cancel = CancelToken()
    cancel.cancel()
    merged = MERGE_METHODS[name].merge(networks(), context(cancel))
    assert all(np.isfinite(value).all() for value in merged.network.stored_weights().values())
    assert merged.training is None or merged.training.stopped_by == "cancel"


@every_method
def test_it_takes_a_part_of_the_budget_where_it_learns(name):
    method = MERGE_METHODS[name]
    assert 0 <= method.share_of_budget < 1
    assert (method.share_of_budget > 0) == (method.merge(networks(), context()).training is not None)
