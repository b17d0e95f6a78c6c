from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from napari_graft.merging.mixed_unet import MixedUNet, filter_name
from napari_graft.nets.build import build_network, load_weights
from napari_graft.sources.network_spec import ModelSpec

SPEC = ModelSpec(widths=(8, 16))


def members(n=2, spec=SPEC):
    return [build_network(spec, seed=seed) for seed in range(n)]


def image(ndim=2):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(2, 1, *(16,) * ndim)).astype(np.float32))


def with_random_logits(mixed, seed=0):
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for logits in mixed.logits.values():
            logits.copy_(0.05 * torch.randn(logits.shape, generator=rng))
    return mixed


@pytest.mark.parametrize("n", [2, 3])
def test_it_begins_as_the_plain_average(n):
    networks = members(n)
    averaged = {
        name: np.mean([one.stored_weights()[name] for one in networks], axis=0)
        for name in networks[0].stored_weights()
    }
    mixed = MixedUNet(networks)
    torch.testing.assert_close(mixed(image()), build_network(SPEC, averaged)(image()))


@pytest.mark.parametrize("spec", [SPEC, ModelSpec(ndim=3, widths=(8, 16))], ids=["2-D", "3-D"])
def test_folded_it_answers_alike(spec):
    mixed = with_random_logits(MixedUNet(members(spec=spec)))
    folded = mixed.fold()
    torch.testing.assert_close(folded(image(spec.ndim)), mixed(image(spec.ndim)))
    torch.testing.assert_close(folded.encode(image(spec.ndim)), mixed.encode(image(spec.ndim)))


def test_each_filter_is_mixed_by_its_own_share_with_its_bias_and_its_normalisation():
    networks = [network.requires_grad_(False) for network in members()]
    mixed = with_random_logits(MixedUNet(networks))
    first, second, folded = (one.stored_weights() for one in (*networks, mixed.fold()))
    shares = mixed.shares()
    assert {filter_name(name) for name in folded} == {*shares, "head"}
    for name, found in folded.items():
        if name.startswith("head"):
            continue
        w = shares[filter_name(name)]
        np.testing.assert_allclose(w.sum(0), 1, rtol=1e-6)
        along = (-1, *(1,) * (found.ndim - 1))
        wanted = w[0].reshape(along) * first[name] + w[1].reshape(along) * second[name]
        np.testing.assert_allclose(found, wanted, atol=1e-6, err_msg=name)


def test_only_shares_and_head_are_learned_and_the_members_stay_as_they_are():
    networks = members()
    before = [network.stored_weights() for network in networks]
    mixed = MixedUNet(networks)
    optimiser = torch.optim.Adam(mixed.parameters(), lr=0.01)
    mixed(image()).square().mean().backward()
    optimiser.step()

    assert {name.partition(".")[0] for name, _ in mixed.named_parameters()} == {"head", "logits"}
    assert all(parameter.grad is not None for parameter in mixed.parameters())
    for network, weights in zip(networks, before, strict=True):
        for name, value in network.stored_weights().items():
            np.testing.assert_array_equal(value, weights[name])


def test_narrow_networks_learn_from_large_patches_without_a_crash():
    # The mix was an einsum, whose backward pass ended the process here.
    mixed = MixedUNet(members())
    for seed in range(3):
        torch.manual_seed(seed)
        mixed(torch.randn(4, 1, 192, 192)).square().mean().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in mixed.parameters())


def test_the_shares_find_the_network_that_gave_the_answers():
    networks = members()
    wanted = networks[1](image()).detach()
    mixed = MixedUNet(networks)
    load_weights(mixed.head, _head_of(networks[1]))
    optimiser = torch.optim.Adam(mixed.parameters(), lr=0.003)
    for _ in range(250):
        optimiser.zero_grad()
        (mixed(image()) - wanted).square().mean().backward()
        optimiser.step()
    shares = np.concatenate([of_filters[1] for of_filters in mixed.shares().values()])
    assert shares.mean() > 0.8, "of unrelated networks, the one that gave the answers is taken"


def test_what_it_learned_can_be_stored_copied_and_loaded():
    mixed = with_random_logits(MixedUNet(members()))
    answer = mixed(image())
    anew = MixedUNet(members())
    load_weights(anew, mixed.stored_weights())
    torch.testing.assert_close(anew(image()), answer)
    torch.testing.assert_close(copy.deepcopy(mixed)(image()), answer)


def _head_of(network):
    return {name: value.detach().numpy() for name, value in network.head.named_parameters()}
