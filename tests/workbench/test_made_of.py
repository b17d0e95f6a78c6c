from __future__ import annotations

import numpy as np
import pytest

from napari_graft.merging.mixed_unet import MixedUNet
from napari_graft.merging.recipe import MergeMember, MergeRecipe, layers_of
from napari_graft.nets.build import build_network
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.workbench.train.rounds import made_of

MEMBERS = tuple(MergeMember(reference=one, weights_sha256="0" * 64) for one in ("fly", "run 0002"))


def test_levels_are_told_from_what_is_seen_first_to_what_is_answered() -> None:
    spec = ModelSpec(widths=(8, 16, 24))
    shares = MixedUNet([build_network(spec, seed=seed) for seed in range(2)]).shares()
    shares = {
        name: np.full_like(of, [[0.9], [0.1]] if "encoder.2" in name else 0.5) for name, of in shares.items()
    }
    recipe = MergeRecipe(method="kernel", members=MEMBERS, layers=layers_of(shares))

    made = made_of(recipe, Catalogue([]))

    assert made.titles == ("fly", "round 2")
    assert [level.title for level in made.levels] == [
        "Seeing 1 (finest)",
        "Seeing 2",
        "Seeing 3 (coarsest)",
        "Drawing 2",
        "Drawing 1 (finest)",
    ]
    assert [level.shares[0] for level in made.levels] == pytest.approx([0.5, 0.5, 0.9, 0.5, 0.5])
    assert 0.5 < made.shares[0] < 0.9


def test_a_merge_that_is_not_done_has_no_shares() -> None:
    made = made_of(MergeRecipe(method="kernel", members=MEMBERS), Catalogue([]))
    assert (made.shares, made.levels) == ((), ())
