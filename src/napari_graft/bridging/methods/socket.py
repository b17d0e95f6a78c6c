"""Feature matching after SOCKET: the whole network moves, by information, pairs and statistics."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType

from napari_graft.bridging.learning import BridgeLearner, Weighing, config_for
from napari_graft.bridging.method import BridgeContext, Bridged
from napari_graft.bridging.methods.without_learning import in_view
from napari_graft.bridging.views import copy_of, view_of_pairs, with_translator
from napari_graft.nets.residual_unet import ResidualUNet

RATE = 3e-4
SOCKET = MappingProxyType({"information": 1.0, "statistics": 0.5, "features": 0.5, "distillation": 0.3})
"""The weights of SOCKET; its pseudo-labels are here what the source is sure of."""


@dataclass(frozen=True)
class FeatureMatching:
    """The losses of SOCKET (Ahmed et al., ECCV 2022, arXiv 2209.04027), written anew from the paper.

    Parameters
    ----------
    weighing
        What the network learns by.
    is_translated
        Whether a translator stands before the network and learns with it: the control that the reviewers of
        TGMB missed.
    """

    weighing: Weighing = field(default_factory=lambda: Weighing(SOCKET))
    is_translated: bool = False
    needs_suitable_pairs: bool = True

    def bridge(self, source: ResidualUNet, context: BridgeContext) -> Bridged:
        """Return the network that learned. See `BridgeMethod`."""
        if self.is_translated:
            view = view_of_pairs(context.data.pairs)
            network = with_translator(source, view, seed=context.config.seed)
        else:
            network = in_view(source, is_inverted=context.data.inverted)
        config = config_for(network, context.config, RATE)
        data = context.data
        if network.spec.inverted != source.spec.inverted:
            context = replace(context, data=data.negative())
        learner = BridgeLearner(
            network, copy_of(source), self.weighing, config, context, "learning to match what it sees"
        )
        training = learner.learn()
        return Bridged(network.cpu().eval(), training)
