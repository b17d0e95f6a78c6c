"""All ways of merging by name, and the merge of networks by one of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from napari_graft.core.registry import Registry
from napari_graft.merging.alignment import align
from napari_graft.merging.average import Average
from napari_graft.merging.consistency import Consistent
from napari_graft.merging.distillation import DistilledEnsemble
from napari_graft.merging.kernel import Kernel
from napari_graft.merging.method import MergeContext, Merged, MergeMethod
from napari_graft.merging.probing import Probing
from napari_graft.merging.recipe import DEFAULT_METHOD, require_one_shape
from napari_graft.merging.slices import Slices
from napari_graft.merging.soup import GreedySoup
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.plugins import plugin_parts_by_name

MERGE_METHODS: Registry[MergeMethod] = Registry(
    "merge method", partial(plugin_parts_by_name, "napari_graft_merge_methods")
)
MERGE_METHODS.register(DEFAULT_METHOD)(Kernel())
MERGE_METHODS.register("average")(Average())
MERGE_METHODS.register("probing")(Probing())
MERGE_METHODS.register("slices")(Slices())
MERGE_METHODS.register("consistent")(Consistent())
MERGE_METHODS.register("soup")(GreedySoup())
MERGE_METHODS.register("distilled")(DistilledEnsemble())


def merge_networks(members: Mapping[str, ResidualUNet], method: str, context: MergeContext) -> Merged:
    """Merge networks by a method of `MERGE_METHODS`.

    Parameters
    ----------
    members
        Two networks or more, by name, which stay as they are. The others are brought into the order of the
        first.
    context
        What may be learned from.

    Raises
    ------
    InputError
        If they are of different shapes, or there is no such method.
    """
    require_one_shape({name: network.spec for name, network in members.items()})
    anchor, *others = members.values()
    return MERGE_METHODS[method].merge([anchor, *(align(other, anchor) for other in others)], context)
