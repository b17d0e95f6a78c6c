"""Foreground and affinities from what other networks answer: boundaries, backgrounds and distances."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from napari_graft.sources.foreign_spec import ForeignSpec


def activate(answer: torch.Tensor, spec: ForeignSpec) -> torch.Tensor:
    """Turn the channels (N, C, *spatial) of a network's answer into probabilities; distances stay."""
    if spec.activation == "probability":
        return answer
    is_distance = torch.tensor([meaning == "distance" for meaning in spec.outputs], device=answer.device)
    if spec.activation == "logit":
        changed = answer.sigmoid()
    else:  # classes: the distances and what is unused are none of them
        is_class = torch.tensor(
            [m in ("foreground", "boundary", "background", "unused") for m in spec.outputs]
        )
        changed = answer.clone()
        changed[:, is_class] = answer[:, is_class].softmax(1)
    return torch.where(is_distance.view(1, -1, *(1,) * spec.ndim), answer, changed)


def foreground_and_affinities(maps: torch.Tensor, spec: ForeignSpec) -> torch.Tensor:
    """Return probabilities (N, 1 + n_offsets, *spatial) from activated channels (N, C, *spatial).

    The foreground is the channel of that name; else what is no background; else where the distance is above
    zero; else what is no boundary. Where background, foreground and boundary are classes of which one is
    true, the boundary belongs to the foreground. Affinities of the network are taken as they are. Where it
    has none, they come from the boundary along the straight line from p to p + offset: those of nearest
    neighbours are 1 less its highest value, the others 1 less what it rises above both ends, so that the
    rim of an object is not held for the end of it. Where the boundary is all that is known it is its highest
    value for all, which keeps gaps in a membrane closed. Without any boundary, neighbours hang together as
    far as both are foreground, nothing else is kept apart, and objects are what hangs together.
    """
    found: dict[str, torch.Tensor] = {meaning: maps[:, i] for i, meaning in enumerate(spec.outputs)}
    boundary = _boundary(found, spec)
    foreground = _foreground(found, spec)
    if spec.has_affinities:
        affinities = [maps[:, i] for i, meaning in enumerate(spec.outputs) if meaning == "affinity"]
    elif boundary is not None:
        is_all = set(spec.outputs) <= {"boundary", "unused"}
        affinities = [
            1 - (highest_between(boundary, offset) if i < spec.ndim or is_all else rise(boundary, offset))
            for i, offset in enumerate(spec.offsets)
        ]
    else:
        near = [1 - highest_between(1 - foreground, offset) for offset in spec.offsets[: spec.ndim]]
        affinities = near + [torch.ones_like(foreground)] * (len(spec.offsets) - spec.ndim)
    return torch.stack([foreground, *affinities], 1)


def highest_between(values: torch.Tensor, offset: Sequence[int]) -> torch.Tensor:
    """Return, for each pixel p of (N, *spatial), the highest value on the line from p to p + `offset`.

    Beyond the border the value of the border is taken.
    """
    n_steps = max(map(abs, offset))
    highest = values
    for i in range(1, n_steps + 1):
        highest = torch.maximum(highest, _shifted(values, [round(o * i / n_steps) for o in offset]))
    return highest


def rise(values: torch.Tensor, offset: Sequence[int]) -> torch.Tensor:
    """Return how far the highest value on the line from p to p + `offset` lies above those of both ends."""
    ends = torch.maximum(values, _shifted(values, offset))
    return highest_between(values, offset) - ends


def _shifted(values: torch.Tensor, by: Sequence[int]) -> torch.Tensor:
    """Return the value at p + `by` for each pixel p."""
    pads = [side for step in reversed(by) for side in (max(-step, 0), max(step, 0))]
    padded = functional.pad(values[:, None], pads, mode="replicate")[:, 0]
    starts = [max(step, 0) for step in by]
    return padded[(slice(None), *(slice(a, a + n) for a, n in zip(starts, values.shape[1:], strict=True)))]


def _boundary(found: dict[str, torch.Tensor], spec: ForeignSpec) -> torch.Tensor | None:
    if "boundary" in found:
        return found["boundary"]
    if "distance" in found:
        return 1 - (found["distance"] / spec.distance_reach).clamp(0, 1)
    return None


def _foreground(found: dict[str, torch.Tensor], spec: ForeignSpec) -> torch.Tensor:
    if "background" in found:
        return 1 - found["background"]
    if "foreground" in found:
        return found["foreground"]
    if "distance" in found:
        return (found["distance"] > 0).to(found["distance"])
    return 1 - found["boundary"]
