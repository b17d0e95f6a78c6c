"""All losses of bridges by name, those of this program and those of plugins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from napari_graft.bridging.losses.adversarial import Adversarial
from napari_graft.bridging.losses.distillation import DistillationLoss
from napari_graft.bridging.losses.features import Features
from napari_graft.bridging.losses.information import Information
from napari_graft.bridging.losses.reconstruction import Reconstruction, SquaredReconstruction
from napari_graft.bridging.losses.statistics import Statistics
from napari_graft.core.registry import Registry
from napari_graft.sources.plugins import plugin_parts_by_name

BridgeLoss = Callable[[int], nn.Module]
"""Makes a loss for images of some spatial axes: a module that maps a `BridgeStep` to a scalar."""

BRIDGE_LOSSES: Registry[BridgeLoss] = Registry(
    "loss of a bridge", partial(plugin_parts_by_name, "napari_graft_bridge_losses")
)
BRIDGE_LOSSES.register("reconstruction")(lambda ndim: Reconstruction())
BRIDGE_LOSSES.register("squared-reconstruction")(lambda ndim: SquaredReconstruction())
BRIDGE_LOSSES.register("adversarial")(Adversarial)
BRIDGE_LOSSES.register("information")(lambda ndim: Information())
BRIDGE_LOSSES.register("distillation")(lambda ndim: DistillationLoss())
BRIDGE_LOSSES.register("features")(lambda ndim: Features())
BRIDGE_LOSSES.register("statistics")(lambda ndim: Statistics())
