"""All ways of merging by name."""

from __future__ import annotations

from functools import partial

from napari_graft.core.registry import Registry
from napari_graft.merging.average import Average
from napari_graft.merging.kernel import Kernel
from napari_graft.merging.method import MergeMethod
from napari_graft.merging.recipe import DEFAULT_METHOD
from napari_graft.sources.plugins import plugin_parts_by_name

MERGE_METHODS: Registry[MergeMethod] = Registry(
    "merge method", partial(plugin_parts_by_name, "napari_graft_merge_methods")
)
MERGE_METHODS.register(DEFAULT_METHOD)(Kernel())
MERGE_METHODS.register("average")(Average())
