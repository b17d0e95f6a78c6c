"""Bring the channels of a network into the order of another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import nn

from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ChannelNorm, ResidualBlock, ResidualUNet

Order = NDArray[np.intp]
Weights = dict[str, NDArray[np.float32]]

MOST_ROUNDS = 20
"""Rounds over all orders; two or three are enough for networks that agree at all."""


@dataclass(slots=True)
class _Channels:
    """The channels that can only change their order together.

    Parameters
    ----------
    n_groups
        Groups of the normalisation that looks at them: channels change places within a group, and groups as a
        whole.
    places
        Parameter and axis of each place where they occur.
    """

    n_groups: int
    places: list[tuple[str, int]] = field(default_factory=list)


def align(network: ResidualUNet, anchor: ResidualUNet) -> ResidualUNet:
    """Return a network that answers as `network` does, its channels in the order that suits the anchor best.

    Networks that were trained apart have their filters in unrelated orders, and a mix of unrelated filters is
    worth nothing. The orders with the largest inner product of all weights are searched for, one set of
    channels after the other (weight matching of Git Re-Basin, Ainsworth et al. 2023, algorithm 1), within
    what group normalisation allows. Where both descend from one ancestor, hardly any channel moves.

    Parameters
    ----------
    network, anchor
        Of one architecture; neither is changed.
    """
    moved, fixed = network.stored_weights(), anchor.stored_weights()
    channels = list(_channels_of(network))
    for _ in range(MOST_ROUNDS):
        has_moved = False
        for one in channels:
            has_moved = _improve(moved, fixed, one) or has_moved
        if not has_moved:
            break
    return build_network(network.spec, moved)


def _improve(moved: Weights, fixed: Weights, channels: _Channels) -> bool:
    """Put one set of channels into their best order where all others stay; say whether anything moved."""
    products = [_products(fixed[name], moved[name], axis) for name, axis in channels.places]
    gain = np.sum(products, axis=0)
    order = best_order(gain, channels.n_groups)
    # Equal up to rounding is no improvement, and would let the search go round in circles.
    before, after = np.trace(gain), gain[np.arange(len(order)), order].sum()
    if after <= before + 1e-6 * abs(before):
        return False
    for name, axis in channels.places:
        moved[name] = np.ascontiguousarray(np.take(moved[name], order, axis))
    return True


def best_order(gain: NDArray[np.floating], n_groups: int) -> Order:
    """Return the order that gains most, where channels stay with those of their group.

    Parameters
    ----------
    gain
        What it gains to put channel j in place i, shape (n, n).
    n_groups
        Groups of equal size that lie side by side.

    Returns
    -------
    (n,) intp
        Which channel comes to each place.
    """
    from scipy.optimize import linear_sum_assignment

    size = len(gain) // n_groups
    inside = np.empty((n_groups, n_groups, size), np.intp)
    worth = np.empty((n_groups, n_groups))
    blocks = gain.reshape(n_groups, size, n_groups, size).swapaxes(1, 2)
    for i, j in np.ndindex(n_groups, n_groups):
        rows, inside[i, j] = linear_sum_assignment(blocks[i, j], maximize=True)
        worth[i, j] = blocks[i, j][rows, inside[i, j]].sum()
    places, groups = linear_sum_assignment(worth, maximize=True)
    return np.concatenate([group * size + inside[i, group] for i, group in zip(places, groups, strict=True)])


def _products(first: NDArray[np.float32], second: NDArray[np.float32], axis: int) -> NDArray[np.float64]:
    a, b = (np.moveaxis(one, axis, 0).reshape(one.shape[axis], -1).astype(float) for one in (first, second))
    return np.asarray(a @ b.T)


def _channels_of(network: ResidualUNet) -> Iterator[_Channels]:
    """Return the sets of channels: within each block, and of each level, which skips and shortcuts tie."""
    levels = _levels_of(network)
    image = _Channels(1)  # what the network is shown, which nothing can reorder
    for kind in ("encoder", "decoder"):
        for level, block in enumerate(getattr(network, kind)):
            name = f"{kind}.{level}"
            before = levels[level] if kind == "decoder" else levels[level - 1] if level else image
            inner = _Channels(_groups(block.first_norm))
            inner.places += [*_outputs(name, "first"), (f"{name}.second.weight", 1)]
            yield inner
            before.places.append((f"{name}.first.weight", 1))
            levels[level].places += _outputs(name, "second")
            if not isinstance(block.shortcut, nn.Identity):
                before.places.append((f"{name}.shortcut.weight", 1))
                levels[level].places += [(f"{name}.shortcut.weight", 0), (f"{name}.shortcut.bias", 0)]
    for level, _ in enumerate(network.reducers):
        levels[level].places += [(f"reducers.{level}.weight", 0), (f"reducers.{level}.bias", 0)]
        levels[level + 1].places.append((f"reducers.{level}.weight", 1))
    levels[0].places.append(("head.weight", 1))
    # A first level with a bare shortcut hands on the image itself.
    is_free = not isinstance(network.encoder[0].shortcut, nn.Identity)
    yield from {id(one): one for one in levels if is_free or one is not levels[0]}.values()


def _levels_of(network: ResidualUNet) -> list[_Channels]:
    """Return the channels of each level; a block with a bare shortcut hands on those of the level before."""
    levels: list[_Channels] = []
    for block in cast(Iterable[ResidualBlock], network.encoder):
        is_bare = isinstance(block.shortcut, nn.Identity)
        levels.append(levels[-1] if is_bare and levels else _Channels(_groups(block.second_norm)))
    return levels


def _groups(norm: nn.Module) -> int:
    if isinstance(norm, ChannelNorm):
        return 1  # its statistics are those of all channels, in whichever order
    assert isinstance(norm, nn.GroupNorm)
    return norm.num_groups


def _outputs(name: str, part: str) -> list[tuple[str, int]]:
    norm = f"{name}.{part}_norm"
    return [(f"{name}.{part}.weight", 0), (f"{norm}.weight", 0), (f"{norm}.bias", 0)]
