"""What a merged network is made of, told of each level, and which networks can be merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from napari_graft.core.errors import InputError
from napari_graft.sources.card import Sha256
from napari_graft.sources.network_spec import NetworkSpec

DEFAULT_METHOD = "kernel"
"""Name in `MERGE_METHODS` of the method of the paper."""
Shares = Mapping[str, NDArray[np.float32]]
"""By the name of a convolution: the share of each network in each filter, (K, n_filters), summing to 1."""


class MergeMember(BaseModel):
    """A network that was merged.

    Parameters
    ----------
    reference
        Id or path of a source, or a run, as the user named it.
    weights_sha256
        Checksum of its weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    reference: str
    weights_sha256: Sha256


class LayerShares(BaseModel):
    """What the filters of one convolution are made of.

    Parameters
    ----------
    name
        Name of the convolution in the network.
    n_filters
        Number of its filters.
    shares
        Mean share of each member, in their order; they sum to 1.
    decided
        Share of the filters that are taken from one member alone, more than nine tenths.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    n_filters: int = Field(ge=1)
    shares: tuple[float, ...]
    decided: float = Field(ge=0, le=1)


class MergeRecipe(BaseModel):
    """Recipe of a merge: the networks, the method, and the share of each.

    Parameters
    ----------
    method
        Name in `MERGE_METHODS`.
    members
        The networks; the first lends its pixel size and the order of its channels.
    layers
        What became of each convolution but the head, empty until they are merged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    method: str
    members: tuple[MergeMember, ...] = Field(min_length=2)
    layers: tuple[LayerShares, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """Names of the networks."""
        return tuple(member.reference for member in self.members)

    @property
    def title(self) -> str:
        """What the merged network is called."""
        return " + ".join(self.references)

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each member in all filters, none before they are merged."""
        return mean_shares(self.layers)

    @property
    def decided(self) -> float:
        """Share of all filters that are taken from one member alone; 0 before they are merged."""
        n_filters = sum(layer.n_filters for layer in self.layers)
        return sum(layer.decided * layer.n_filters for layer in self.layers) / max(n_filters, 1)

    def asks_the_same_as(self, other: MergeRecipe) -> bool:
        """Say whether the same networks are merged in the same way, whatever came of it."""
        return self.method == other.method and self.members == other.members


def mean_shares(layers: Sequence[LayerShares]) -> tuple[float, ...]:
    """Return the share of each member in the filters of some layers, empty without a layer."""
    if not layers:
        return ()
    counts = [layer.n_filters for layer in layers]
    return tuple(float(one) for one in np.average([layer.shares for layer in layers], axis=0, weights=counts))


def layers_of(shares: Shares) -> tuple[LayerShares, ...]:
    """Return what became of each convolution, from the shares of its filters."""
    return tuple(
        LayerShares(
            name=name,
            n_filters=of_filters.shape[1],
            shares=tuple(float(one) for one in of_filters.mean(1)),
            decided=float((of_filters.max(0) > 0.9).mean()),
        )
        for name, of_filters in shares.items()
    )


@dataclass(frozen=True, slots=True)
class LevelShares:
    """What one level of the network is made of: its name in words, and the share of each model."""

    title: str
    shares: tuple[float, ...]


def levels_of(layers: Sequence[LayerShares]) -> tuple[LevelShares, ...]:
    """Return what each level is made of, from what the network sees first to what it answers."""
    groups: dict[tuple[str, int], list[LayerShares]] = {}
    for layer in layers:
        part, level, *_ = layer.name.split(".")
        # What climbs to a level belongs to the way back there.
        groups.setdefault(("encoder" if part == "encoder" else "decoder", int(level)), []).append(layer)
    deepest = max((level for part, level in groups if part == "encoder"), default=0)
    seeing = sorted(key for key in groups if key[0] == "encoder")
    drawing = sorted((key for key in groups if key[0] == "decoder"), reverse=True)
    return tuple(LevelShares(_title(*key, deepest), mean_shares(groups[key])) for key in (*seeing, *drawing))


def _title(part: str, level: int, deepest: int) -> str:
    """Return what a level does, in words.

    >>> _title("encoder", 0, 3), _title("encoder", 3, 3), _title("decoder", 0, 3)
    ('Seeing 1 (finest)', 'Seeing 4 (coarsest)', 'Drawing 1 (finest)')
    """
    places = {0: " (finest)", deepest: " (coarsest)"}
    return f"{'Seeing' if part == 'encoder' else 'Drawing'} {level + 1}{places.get(level, '')}"


_OF_IMAGE = ("contrast_window", "inverted", "stain", "zoom")
_SHAPE = ("ndim", "widths", "strides", "norm", "offsets", *_OF_IMAGE, "translator")
"""Fields of a specification that must agree; pixel size and diameter are those of the first network."""


def require_one_shape(specs: Mapping[str, NetworkSpec]) -> None:
    """Refuse networks that have not the same layers and answers.

    Raises
    ------
    InputError
        If there are fewer than two, they differ, or one was imported as a finished network.
    """
    if len(specs) < 2:
        raise InputError(f"{list(specs)} cannot be merged: name two sources or more")
    for name, spec in specs.items():
        if not spec.is_trainable:
            raise InputError(
                f"{name!r} was imported as a finished network, which cannot be merged: leave it out"
            )
        if getattr(spec, "translator", None) is not None:
            raise InputError(
                f"{name!r} is bridged to another modality, and translators cannot be merged: merge the "
                "sources first, and bridge what comes of it"
            )
    (first, wanted), *others = specs.items()
    for name, spec in others:
        for field in _SHAPE:
            mine, its = getattr(wanted, field), getattr(spec, field)
            if mine != its:
                raise InputError(
                    f"{first!r} and {name!r} cannot be merged, as their networks differ in {field} "
                    f"({_short(mine)} and {_short(its)}): choose sources of one shape, such as two 2-D ones"
                )


def _short(value: object) -> str:
    words = str(value)
    return words if len(words) <= 60 else f"{words[:57]}…"
