"""Merge networks: see that they fit, bring their channels in one order, and let a method do the rest."""

from __future__ import annotations

from collections.abc import Mapping

from napari_graft.merging.alignment import align
from napari_graft.merging.method import MergeContext, Merged
from napari_graft.merging.methods import MERGE_METHODS
from napari_graft.merging.shape import require_one_shape
from napari_graft.nets.residual_unet import ResidualUNet


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
