"""What the levels of a merged network are made of, in the words that people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_graft.merging.recipe import LayerShares, mean_shares


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
