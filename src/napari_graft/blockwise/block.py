"""Segment one block: read it, predict it, decode it."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from napari_graft.blockwise.finished import BlockResult
from napari_graft.blockwise.plan import BlockPlan
from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Prediction, Predictor
from napari_graft.inference.uncertainty import uncertainty_map
from napari_graft.inference.view import ModelView
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings


@dataclass(frozen=True, slots=True)
class Seconds:
    """Time that a block took, on its worker.

    Parameters
    ----------
    network
        Reading and predicting.
    decoding
        From probabilities to objects on the image's grid.
    """

    network: float
    decoding: float


@dataclass(frozen=True, slots=True)
class BlockSegmenter:
    """Segmenter of the blocks of a plan, one at a time or several in threads.

    Parameters
    ----------
    predictor, view, settings
        What the objects are found with.
    plan
        The blocks.
    wants_uncertainty
        Whether a map of the uncertainty is made beside the objects.
    """

    predictor: Predictor
    view: ModelView
    settings: DecodeSettings
    plan: BlockPlan
    wants_uncertainty: bool = False

    def segment(self, number: int, cancel: CancelToken) -> tuple[BlockResult, Seconds]:
        """Return the objects of block `number`, and how long that took.

        Raises
        ------
        Cancelled
            Between two steps, when asked to stop.
        """
        started = perf_counter()
        # Before the network reads: should the image change in between, the block is known to be of another.
        pixels = self.view.volume.checksum(self.plan.grown(number))
        prediction = self.predictor.predict(self.view, self.plan.grown(number), cancel)
        predicted = perf_counter()
        cancel.raise_if_cancelled()
        labels, n_labels = self._decode(prediction, number)
        uncertainty = self._uncertainty(prediction, number) if self.wants_uncertainty else None
        result = BlockResult(labels, n_labels, uncertainty, pixels)
        return result, Seconds(predicted - started, perf_counter() - predicted)

    def _decode(self, prediction: Prediction, number: int) -> tuple[NDArray[np.uint32], int]:
        offsets = self.view.spec.offsets
        segments = decode(prediction.foreground, prediction.affinities, offsets, self.settings)
        labels = self.view.labels_to_image(segments, prediction.tile)
        return keep_reaching(labels, slices_inside(self.plan.core(number), prediction.tile))

    def _uncertainty(self, prediction: Prediction, number: int) -> NDArray[np.float16]:
        values = uncertainty_map(prediction, self.view.spec.n_attractive)
        on_image = self.view.map_to_image(values, prediction.tile)
        return on_image[slices_inside(self.plan.core(number), prediction.tile)].astype(np.float16)


def slices_inside(inner: Tile, outer: Tile) -> tuple[slice, ...]:
    """Return the slices that cut `inner` out of an array that holds `outer`."""
    return inner.shift([-a for a in outer.start]).slices


def keep_reaching(labels: NDArray[np.uint32], core: tuple[slice, ...]) -> tuple[NDArray[np.uint32], int]:
    """Remove the objects that do not reach into the core, number the others 1…, and count them.

    Another block is responsible for what lies in the halo only.
    """
    is_kept = np.zeros(int(labels.max(initial=0)) + 1, bool)
    is_kept[labels[core].ravel()] = True
    is_kept[0] = False
    numbers = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.uint32)
    return numbers[labels], int(is_kept.sum())
