"""Turn the annotated tiles of a project into what a model learns from and is judged on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.holdout import PixelSplit, split_holdout
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.blockwise.plan import HALO
from napari_graft.core.errors import InputError
from napari_graft.core.labels import BACKGROUND, UNLABELLED
from napari_graft.core.tile import Tile
from napari_graft.imaging.resample import resample_labels
from napari_graft.inference.view import ModelView
from napari_graft.training.examples import Example


def make_examples(view: ModelView, tiles: Sequence[LabelledTile]) -> list[Example]:
    """Return one example a tile, on the model's grid, with its held-out part and image context around it.

    A 3-D model sees slices on both sides of a painted one as well. Nothing is labelled there: a single slice
    teaches affinities within it and none along z (sparse annotation, Çiçek et al. 2016).

    Raises
    ------
    InputError
        If no pixel is left to learn from.
    """
    examples = [_example(view, part) for part in split_holdout(tiles)]
    if not any(np.any(example.train != UNLABELLED) for example in examples):
        raise InputError(
            f"the {len(tiles)} annotated tiles hold no labelled pixel outside the parts that are kept apart "
            "to judge the training: paint more of them"
        )
    return examples


def _example(view: ModelView, part: PixelSplit) -> Example:
    labels = _with_small_ids(part.labelled_tile.labels)
    tile = part.labelled_tile.tile
    halo = view.on_image(HALO[view.spec.ndim])
    around = tile.grow(halo)

    def on_model(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
        kept = np.where(mask, labels, UNLABELLED)
        if view.spec.ndim == 3 and tile.shape[0] == 1:
            return _on_one_slice(view, np.pad(kept[0], [(h, h) for h in halo[1:]]), around)
        padded = np.pad(kept, [(h, h) for h in halo], constant_values=UNLABELLED)
        return view.labels_to_model(padded, around)

    return Example(view.read(around), on_model(part.train_mask), on_model(part.validation_mask))


def _on_one_slice(view: ModelView, painted: NDArray[np.uint32], around: Tile) -> NDArray[np.int32]:
    """Put a painted slice onto the slice of the model's grid at its middle, whichever of both is thicker.

    Resampled like any label, it would be left out by a model of thicker slices, and repeated for one of
    thinner ones, whose affinities along z it says nothing of.
    """
    labels = np.zeros(view.shape_on_model(around), np.int32)
    labels[len(labels) // 2] = resample_labels(painted, labels.shape[1:])
    return labels


def _with_small_ids(labels: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Give the objects of a tile small ids: large ones are not exact in float32, or negative in int32."""
    inverse = np.unique(np.append(labels, [UNLABELLED, BACKGROUND]), return_inverse=True)[1]
    return inverse[:-2].reshape(labels.shape).astype(np.uint32)
