"""Label images and their affinities, for properties of the tools."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from hypothesis import strategies as st
from tests.segmentation.affinity_maps import OFFSETS, OFFSETS_3D, cells, probabilities

from napari_graft.proofreading.affinity_map import AffinityMap
from napari_graft.proofreading.grow import Basins
from napari_graft.proofreading.object_map import ObjectMap

TYPES = (np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64)


@dataclass(frozen=True)
class Scene:
    """Cells with what a network says of them, and free space."""

    labels: np.ndarray
    affinities: AffinityMap = field(repr=False)

    @cached_property
    def basins(self) -> Basins:
        return Basins.from_affinities(self.affinities)

    def objects(self, **options: object) -> ObjectMap:
        return ObjectMap(self.labels.copy(), **options)

    @property
    def ids(self) -> list[int]:
        return np.unique(self.labels[self.labels > 0]).tolist()


def make_scene(shape: tuple[int, ...], n_cells: int, seed: int, dtype: type = np.uint32) -> Scene:
    """Make cells of which every fourth is not labelled."""
    rng = np.random.default_rng(seed)
    truth = cells(shape, n_cells, rng)
    offsets = OFFSETS if len(shape) == 2 else OFFSETS_3D
    _, affinities = probabilities(truth, offsets, rng)
    return Scene(np.where(truth % 4 == 0, 0, truth).astype(dtype), AffinityMap(affinities, offsets))


@st.composite
def scenes(draw: st.DrawFn, *, has_z: bool = False) -> Scene:
    """Draw scenes with two objects or more."""
    shape = draw(st.sampled_from([(10, 24, 20)] if has_z else [(40, 48), (33, 21), (10, 24, 20)]))
    n_cells, seed = draw(st.integers(5, 9)), draw(st.integers(0, 99))
    return make_scene(shape, n_cells, seed, draw(st.sampled_from(TYPES)))
