"""All ways of bridging by name, those of this program and those of plugins."""

from __future__ import annotations

from functools import partial

from napari_graft.bridging.learning import Weighing
from napari_graft.bridging.method import BridgeMethod
from napari_graft.bridging.methods.socket import FeatureMatching
from napari_graft.bridging.methods.student import Student
from napari_graft.bridging.methods.translation import Translation
from napari_graft.bridging.methods.without_learning import (
    AsItIs,
    BestView,
    HistogramMatching,
    NormStatistics,
)
from napari_graft.bridging.recipe import DEFAULT_METHOD
from napari_graft.core.registry import Registry
from napari_graft.sources.plugins import plugin_parts_by_name

BRIDGE_METHODS: Registry[BridgeMethod] = Registry(
    "bridge method", partial(plugin_parts_by_name, "napari_graft_bridge_methods")
)
BRIDGE_METHODS.register(DEFAULT_METHOD)(Student())
BRIDGE_METHODS.register("tgmb")(Translation())
BRIDGE_METHODS.register("reconstruction")(Translation(Weighing({"reconstruction": 1.0})))
BRIDGE_METHODS.register("information")(Translation(Weighing({"information": 1.0})))
BRIDGE_METHODS.register("socket")(FeatureMatching())
BRIDGE_METHODS.register("translator-in-socket")(FeatureMatching(is_translated=True))
BRIDGE_METHODS.register("norm-statistics")(NormStatistics())
BRIDGE_METHODS.register("histogram")(HistogramMatching())
BRIDGE_METHODS.register("best-view")(BestView())
BRIDGE_METHODS.register("as-it-is")(AsItIs())
