"""All self-supervised objectives and replay streams by name."""

from __future__ import annotations

from functools import partial

from napari_graft.core.registry import Registry
from napari_graft.pretraining.dense import DensePixels
from napari_graft.pretraining.distillation import Distillation
from napari_graft.pretraining.generated import replay_generated
from napari_graft.pretraining.masked import MaskedReconstruction
from napari_graft.pretraining.moco import MomentumContrast
from napari_graft.pretraining.objective import Objective
from napari_graft.pretraining.record import DEFAULT_OBJECTIVE
from napari_graft.pretraining.replay import Replay, replay_labelled
from napari_graft.sources.plugins import plugin_parts_by_name

OBJECTIVES: Registry[Objective] = Registry(
    "self-supervised objective", partial(plugin_parts_by_name, "napari_graft_objectives")
)
OBJECTIVES.register(DEFAULT_OBJECTIVE)(MaskedReconstruction)
OBJECTIVES.register("moco")(MomentumContrast)
OBJECTIVES.register("dense")(DensePixels)

REPLAYS: Registry[Replay] = Registry("replay", partial(plugin_parts_by_name, "napari_graft_replays"))
REPLAYS.register("generated")(replay_generated)
REPLAYS.register("distillation")(Distillation)
REPLAYS.register("labelled")(replay_labelled)
