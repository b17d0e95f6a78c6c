from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_graft
from napari_graft.merging import alignment
from napari_graft.merging.alignment import align, best_order
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.session.models import model_of_source
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec

BUILT_IN = Path(napari_graft.__file__).parent / "data" / "sources"

SPECS = {
    "2-D": ModelSpec(widths=(16, 32, 48)),
    "3-D": ModelSpec(ndim=3, widths=(8, 16)),
    "instance norm": ModelSpec(widths=(8, 16), norm="instance"),
    "channel norm": ModelSpec(widths=(8, 16), norm="channel"),
    "bare shortcut": ModelSpec(widths=(16, 16, 32), strides=((2, 2), (1, 1), (2, 2))),
    "bare first shortcut": ModelSpec(widths=(4, 16)),
}


def shuffled(network: ResidualUNet, rng: np.random.Generator) -> ResidualUNet:
    """Return the same function with its channels in another order, as group normalisation allows."""
    weights = network.stored_weights()
    for channels in alignment._channels_of(network):
        name, axis = channels.places[0]
        size = weights[name].shape[axis] // channels.n_groups
        groups = rng.permutation(channels.n_groups)
        order = np.concatenate([group * size + rng.permutation(size) for group in groups])
        for name, axis in channels.places:
            weights[name] = np.take(weights[name], order, axis)
    return build_network(network.spec, weights)


def similarity(first: ResidualUNet, second: ResidualUNet) -> float:
    """Return the cosine between all weights of two networks."""
    a, b = (np.concatenate([w.ravel() for w in one.stored_weights().values()]) for one in (first, second))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def answer(network: ResidualUNet) -> np.ndarray:
    image = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 1, *(32,) * network.spec.ndim)))
    with torch.no_grad():
        return network.eval()(image.float()).numpy()


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_a_network_in_another_order_is_brought_back(spec):
    anchor = build_network(spec, seed=3)
    other = shuffled(anchor, np.random.default_rng(0))
    np.testing.assert_allclose(answer(other), answer(anchor), atol=1e-4)  # the oracle holds
    assert similarity(other, anchor) < 0.9

    found = align(other, anchor)

    for name, value in anchor.stored_weights().items():
        np.testing.assert_array_equal(found.stored_weights()[name], value, err_msg=name)


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_whatever_it_is_aligned_to_a_network_answers_as_before(spec):
    network, anchor = build_network(spec, seed=3), build_network(spec, seed=4)
    before = network.stored_weights()

    found = align(network, anchor)

    np.testing.assert_allclose(answer(found), answer(network), atol=1e-4)
    assert similarity(found, anchor) > similarity(network, anchor)
    for name, value in network.stored_weights().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_network_in_the_right_order_stays_as_it_is():
    anchor = build_network(SPECS["2-D"], seed=3)
    weights = anchor.stored_weights()
    rng = np.random.default_rng(0)
    tuned = {name: value + 0.01 * rng.normal(size=value.shape) for name, value in weights.items()}

    found = align(build_network(anchor.spec, tuned), anchor).stored_weights()

    for name, value in found.items():
        np.testing.assert_array_equal(value, tuned[name].astype(np.float32))


@pytest.mark.parametrize(
    "ids",
    [
        ("mouse-embryo-nuclei", "nuclei-bright-grey", "phase-t98g", "plant-organelles"),
        ("nuclei-fluorescence", "nuclei-fly-embryo", "nuclei-he", "fly-medulla-fibsem"),
    ],
)
def test_sources_of_one_ancestor_that_ship_are_in_one_order_already(ids):
    catalogue = Catalogue([(BUILT_IN, "built-in")])
    anchor, *others = (model_of_source(catalogue.get(one)).network for one in ids)
    for other in others:
        found = align(other, anchor).stored_weights()
        for name, value in other.stored_weights().items():
            np.testing.assert_array_equal(found[name], value)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(1, 4), (2, 2), (3, 2), (2, 3), (6, 1)]))
def test_no_allowed_order_gains_more(seed, sizes):
    n_groups, size = sizes
    n = n_groups * size
    gain = np.random.default_rng(seed).normal(size=(n, n))

    order = best_order(gain, n_groups)

    def is_allowed(candidate):
        groups = np.array(candidate).reshape(n_groups, size) // size
        return bool(np.all(groups == groups[:, :1]))

    allowed = [one for one in permutations(range(n)) if is_allowed(one)]
    assert is_allowed(tuple(order))
    assert gain[np.arange(n), order].sum() == pytest.approx(
        max(gain[np.arange(n), np.array(one)].sum() for one in allowed)
    )
