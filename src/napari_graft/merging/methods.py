"""All ways of merging by name."""

from __future__ import annotations

from napari_graft.core.registry import Registry
from napari_graft.merging.average import Average
from napari_graft.merging.kernel import Kernel
from napari_graft.merging.method import MergeMethod
from napari_graft.merging.recipe import DEFAULT_METHOD

MERGE_METHODS: Registry[MergeMethod] = Registry("merge method")
MERGE_METHODS.register(DEFAULT_METHOD)(Kernel())
MERGE_METHODS.register("average")(Average())
