"""All ways of merging by name, and the merge of networks by one of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module

from napari_graft.core.registry import Registry
from napari_graft.merging.alignment import align
from napari_graft.merging.method import MergeContext, Merged, MergeMethod
from napari_graft.merging.methods import METHODS
from napari_graft.merging.recipe import require_one_shape
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.plugins import plugin_parts_by_name

MERGE_METHODS: Registry[MergeMethod] = Registry(
    "merge method", partial(plugin_parts_by_name, "napari_graft_merge_methods")
)
for _entry in METHODS:
    _module, _, _class = _entry.place.partition(":")
    _kind = getattr(import_module(f"napari_graft.merging.{_module}"), _class)
    MERGE_METHODS.register(_entry.name)(_kind())


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
