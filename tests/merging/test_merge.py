from __future__ import annotations

import numpy as np
import pytest

from napari_graft.core.errors import InputError
from napari_graft.merging.recipe import MergeMember, MergeRecipe, layers_of
from napari_graft.merging.registry import merge_networks
from napari_graft.nets.build import build_network
from napari_graft.sources.network_spec import ModelSpec

SPEC = ModelSpec(widths=(8, 16))


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="no merge method is called 'blend'"):
        merge_networks({"a": build_network(SPEC), "b": build_network(SPEC, seed=1)}, "blend", None)


def test_networks_of_other_pixel_sizes_can_be_merged_and_the_first_lends_its_own():
    networks = {
        name: build_network(SPEC.model_copy(update={"pixel_size": (size, size)}), seed=1)
        for name, size in (("a", 4.0), ("b", 10.0))
    }
    assert merge_networks(networks, "average", None).network.spec.pixel_size == (4.0, 4.0)


def test_a_recipe_tells_what_is_left_of_each():
    shares = {
        "encoder.0.first": np.float32([[1, 0.95, 0, 0.5], [0, 0.05, 1, 0.5]]),
        "x": np.ones((2, 12)) / 2,
    }
    layers = layers_of(shares)
    assert (layers[0].name, layers[0].n_filters, layers[0].decided) == ("encoder.0.first", 4, 0.75)
    assert layers[0].shares == pytest.approx((0.6125, 0.3875))
    digest = "0" * 64
    recipe = MergeRecipe(
        method="kernel",
        members=tuple(MergeMember(reference=one, weights_sha256=digest) for one in ("a", "b")),
        layers=layers,
    )
    assert recipe.shares == pytest.approx((0.25 * 0.6125 + 0.75 * 0.5, 0.25 * 0.3875 + 0.75 * 0.5))
    assert MergeRecipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert recipe.asks_the_same_as(recipe.model_copy(update={"layers": ()}))
    assert not recipe.asks_the_same_as(recipe.model_copy(update={"method": "average"}))
    assert recipe.model_copy(update={"layers": ()}).shares == ()
