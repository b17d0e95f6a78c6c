"""L_self: objects of the teacher that stay when the image is mirrored, as labels for the trainer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.bridging.losses.distillation import SURE
from napari_graft.bridging.pairs import Image
from napari_graft.core.labels import BACKGROUND, FIRST_OBJECT
from napari_graft.core.progress import CancelToken
from napari_graft.inference.predictor import Predictor
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.training.examples import Example

STAYS = 0.8
"""Intersection over union by which an object is the same one in the mirrored image."""

Labels = NDArray[np.int32]


def pseudo_examples(
    teacher: ResidualUNet,
    images: Sequence[Image],
    settings: DecodeSettings,
    device: torch.device,
    cancel: CancelToken,
) -> list[Example]:
    """Return tiles with the objects of a teacher that can be believed; those without one are left out.

    An object is believed that is found again, by more than `STAYS`, in the image mirrored along each axis of
    its plane. Background is where the teacher is sure of it in all three looks. The rest is unlabelled, so
    that the trainer learns from this as it does from what a person painted in part.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    predictor = Predictor(teacher, device)
    found = []
    for image in images:
        labels = believed_labels(predictor, image, settings, cancel)
        if np.any(labels >= FIRST_OBJECT):
            found.append(Example(image, labels, np.zeros_like(labels)))
    return found


def believed_labels(
    predictor: Predictor, image: Image, settings: DecodeSettings, cancel: CancelToken
) -> Labels:
    """Return annotation labels of the objects of a network that stay under flips, and of sure background."""
    offsets = predictor.spec.offsets
    plain, is_background = None, np.ones(image.shape, bool)
    stays: NDArray[np.bool_] | None = None
    for axis in (None, -1, -2):
        seen = image if axis is None else np.ascontiguousarray(np.flip(image, axis))
        answer = predictor.predict_array(seen, cancel)
        objects = decode(answer[0], answer[1:], offsets, settings)
        foreground = answer[0]
        if axis is not None:
            objects, foreground = np.flip(objects, axis), np.flip(foreground, axis)
        is_background &= foreground < 0.5 - SURE
        if plain is None:
            plain, stays = objects, np.ones(int(objects.max()) + 1, bool)
        else:
            assert stays is not None
            stays &= best_overlaps(plain, np.ascontiguousarray(objects)) > STAYS
    assert plain is not None and stays is not None
    stays[0] = False
    labels = np.where(is_background & (plain == 0), BACKGROUND, 0).astype(np.int32)
    kept = stays[plain]
    labels[kept] = plain[kept].astype(np.int32) + (FIRST_OBJECT - 1)
    return labels


def best_overlaps(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Return the largest intersection over union of each object of one segmentation with one of another.

    The answer has a place for each id up to the largest, 0 where there is no such object.
    """
    n = int(first.max()) + 1
    pairs = first.astype(np.int64).ravel() * (int(second.max()) + 1) + second.ravel()
    both, counts = np.unique(pairs, return_counts=True)
    mine, its = np.divmod(both, int(second.max()) + 1)
    sizes, other_sizes = np.bincount(first.ravel(), minlength=n), np.bincount(second.ravel())
    ratio = counts / (sizes[mine] + other_sizes[its] - counts)
    best = np.zeros(n)
    is_pair = (mine > 0) & (its > 0)
    np.maximum.at(best, mine[is_pair], ratio[is_pair])
    return best
