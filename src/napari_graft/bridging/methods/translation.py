"""TGMB: a translator is learned between the image and the source, which stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

from napari_graft.bridging.learning import BridgeLearner, Weighing, config_for
from napari_graft.bridging.method import BridgeContext, Bridged
from napari_graft.bridging.views import copy_of, view_of_pairs, with_translator
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.network_spec import TranslatorSpec

RATE = 4e-3
TGMB = MappingProxyType({"reconstruction": 1.0, "adversarial": 0.1, "information": 0.3})
"""``L_TGMB = L_rec + 0.1 L_D + 0.3 L_IM``; the paper's weights are not known."""


@dataclass(frozen=True)
class Translation:
    """Translator in front of the frozen source (TGMB; Zhu, Chen and Wang, arXiv 2401.05014).

    Parameters
    ----------
    weighing
        What the translator is learned by.
    shape
        Shape of the translator.
    """

    weighing: Weighing = field(default_factory=lambda: Weighing(TGMB))
    shape: TranslatorSpec = field(default_factory=TranslatorSpec)
    needs_suitable_pairs: bool = True

    def bridge(self, source: ResidualUNet, context: BridgeContext) -> Bridged:
        """Return the source behind its translator. See `BridgeMethod`."""
        seed = context.config.seed
        network = with_translator(source, view_of_pairs(context.data.pairs), self.shape, seed=seed)
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name.startswith("translator."))
        config = config_for(network, context.config, RATE)
        learner = BridgeLearner(network, copy_of(source), self.weighing, config, context)
        training = learner.learn()
        return Bridged(network.requires_grad_(True).cpu().eval(), training)
