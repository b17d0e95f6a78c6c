"""What the network should answer, computed from annotations on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from napari_graft.core.labels import FIRST_OBJECT, UNLABELLED


@dataclass(frozen=True, slots=True)
class Targets:
    """Wanted outputs of the network, and where they are known.

    Parameters
    ----------
    values
        0 or 1, shape (N, 1 + n_offsets, *spatial), float32.
    mask
        1 where the value is known, same shape.
    """

    values: torch.Tensor
    mask: torch.Tensor


def make_targets(annotation: torch.Tensor, offsets: Sequence[Sequence[int]]) -> Targets:
    """Turn annotations into foreground and affinity targets.

    A pair of pixels has affinity 1 if both belong to one object and 0 otherwise. A pair with an unlabelled
    pixel, or with one outside the patch, is not known. A pair of two background pixels is known and 0: the
    decoder never looks at it, and a mistake of the foreground then falls into pieces that the size filter
    takes.

    Parameters
    ----------
    annotation
        Annotation labels (0 unlabelled, 1 background, 2… objects), shape (N, *spatial), integer.
    offsets
        Affinity offsets in pixels, one for each affinity channel.
    """
    is_object = annotation >= FIRST_OBJECT
    is_known = annotation != UNLABELLED
    values = [is_object]
    masks = [is_known]
    for offset in offsets:
        here, there = _pair_slices(offset)
        same, known = torch.zeros_like(is_object), torch.zeros_like(is_known)
        same[here] = (annotation[here] == annotation[there]) & is_object[here]
        known[here] = is_known[here] & is_known[there]
        values.append(same)
        masks.append(known)
    return Targets(torch.stack(values, 1).float(), torch.stack(masks, 1).float())


def _pair_slices(offset: Sequence[int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    here, there = [slice(None)], [slice(None)]
    for step in offset:
        here.append(slice(max(0, -step), -step if step > 0 else None))
        there.append(slice(max(0, step), step if step < 0 else None))
    return tuple(here), tuple(there)
