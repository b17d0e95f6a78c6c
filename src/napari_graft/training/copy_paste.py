"""Copy-paste: painted objects of one patch are put onto another."""

from __future__ import annotations

import numpy as np
import torch

from napari_graft.core.labels import FIRST_OBJECT, UNLABELLED

_SHARE = 0.5
"""Chance of each object to be pasted."""


def paste_objects(
    image: torch.Tensor,
    labels: torch.Tensor,
    other: tuple[torch.Tensor, torch.Tensor],
    rng: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a patch with about half of the objects of another one put over it.

    Simple copy-paste (Ghiasi et al., CVPR 2021, arXiv 2012.07177): what is covered belongs to the pasted
    object. An object at the edge of what is labelled in the other patch may be a part of one, and stays.

    Parameters
    ----------
    image, labels
        Normalised grey values and annotation labels, shape (*spatial); they are not changed.
    other
        The same of the patch that the objects are taken from.
    rng
        Chooses the objects.
    """
    theirs = other[1]
    whole = [int(one) for one in torch.unique(theirs) if one >= FIRST_OBJECT]
    cut = set(torch.unique(theirs[_beside_unlabelled(theirs)]).tolist())
    chosen = [one for one in whole if one not in cut and rng.random() < _SHARE]
    if not chosen:
        return image, labels
    mask = torch.isin(theirs, torch.tensor(chosen, device=theirs.device, dtype=theirs.dtype))
    number = theirs + labels.max().clamp(min=FIRST_OBJECT)
    return torch.where(mask, other[0], image), torch.where(mask, number, labels)


def _beside_unlabelled(labels: torch.Tensor) -> torch.Tensor:
    """Return which pixels lie beside an unlabelled one or at the border of the patch."""
    beside = torch.zeros_like(labels, dtype=torch.bool)
    for axis in range(labels.ndim):
        for step in (1, -1):
            moved = labels.roll(step, axis) == UNLABELLED
            moved.select(axis, 0 if step == 1 else -1).fill_(True)
            beside |= moved
    return beside
