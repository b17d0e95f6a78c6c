"""Run a network over an image of any size that fits into memory, in blended windows."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.inference.view import ModelView
from napari_graft.inference.windows import Blender, start_multiple, to_batch, window_tiles
from napari_graft.nets.device import mixed_precision
from napari_graft.nets.network import Network
from napari_graft.nets.padding import pad_to_stride

T = TypeVar("T")

# Group norm takes its statistics from the window, so that windows differ where they overlap: the less, the
# larger they are, and the fewer seams there are. With channel norm they do not, given enough context.
WINDOW = {2: (1184, 1184), 3: (64, 224, 224)}
OVERLAP = {2: (128, 128), 3: (16, 32, 32)}
_LARGEST_OVERLAP = 3
"""Windows overlap by at most one part in so many of their length."""
_MEMORY_FORMAT = {2: torch.channels_last, 3: torch.channels_last_3d}
"""Channels last makes convolutions and norms on a CPU about twice as fast."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Foreground and affinities of a tile, on the model's grid.

    Parameters
    ----------
    tile
        The tile, in pixels of the image.
    foreground
        Probability of belonging to an object, float32, shape of the tile on the model's grid.
    affinities
        Probability that pixel p and p + offset belong to one object, float32 (n_offsets, *grid).
    """

    tile: Tile
    foreground: NDArray[np.float32]
    affinities: NDArray[np.float32]


class Predictor:
    """Runs one network on images; several threads may do so at once.

    Parameters
    ----------
    network
        It is copied, and stays as it is.
    device
        Where it runs; when its memory does not suffice, the CPU takes over for good.
    notify
        Told in words when something was done differently from what was asked.
    """

    def __init__(
        self,
        network: Network,
        device: torch.device,
        notify: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.spec = network.spec
        self._device = device
        self._notify = notify
        # on a GPU one window at a time: it is busy with one, and memory for several may be missing
        self._turn = threading.Lock()
        # A copy: the caller may go on to train its own, which channels last would slow down.
        self._network: Network = copy.deepcopy(network).to(device).eval()
        self._network.to(memory_format=_MEMORY_FORMAT[self.spec.ndim])  # type: ignore[call-overload]

    @property
    def network(self) -> Network:
        """The network."""
        return self._network

    @property
    def device(self) -> torch.device:
        """Where the network runs."""
        return self._device

    def predict(self, view: ModelView, tile: Tile, cancel: CancelToken | None = None) -> Prediction:
        """Predict one tile of an image; the tile may reach outside, where the image is mirrored."""
        probabilities = self.predict_array(view.read(tile), cancel)
        return Prediction(tile, probabilities[0], probabilities[1:])

    def predict_image(self, image: NDArray[np.float32], cancel: CancelToken | None = None) -> Prediction:
        """Predict a normalised image (*spatial) that is on the model's grid already, as one tile."""
        probabilities = self.predict_array(image, cancel)
        return Prediction(Tile((0,) * image.ndim, image.shape), probabilities[0], probabilities[1:])

    def predict_array(
        self, image: NDArray[np.float32], cancel: CancelToken | None = None
    ) -> NDArray[np.float32]:
        """Return probabilities (1 + n_offsets, *spatial), float32, of a normalised image (*spatial).

        Raises
        ------
        Cancelled
            Between two windows, when asked to stop.
        """
        token = cancel or CancelToken()
        ndim = self.spec.ndim
        largest = self.spec.largest_window(WINDOW[ndim])
        overlap = [
            min(usual, length // _LARGEST_OVERLAP)
            for usual, length in zip(OVERLAP[ndim], largest, strict=True)
        ]
        if all(n <= longest for n, longest in zip(image.shape, largest, strict=True)):
            token.raise_if_cancelled()
            return self._answer(image)
        # All windows begin at multiples of the stride, the last ones too: as the whole image would be seen.
        strides = self.spec.total_stride
        steps = map(start_multiple, largest, strides)
        missing = [(0, -n % step) for n, step in zip(image.shape, steps, strict=True)]
        padded = np.pad(image, missing, mode="edge")
        windows = window_tiles(padded.shape, largest, overlap, strides)
        blender = Blender(self.spec.n_outputs, padded.shape, windows[0].shape, overlap)
        for window in windows:
            token.raise_if_cancelled()
            blender.add(window, self._answer(padded[window.slices]))
        return blender.result(token)[(slice(None), *map(slice, image.shape))]

    def predict_with_features(
        self, image: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the probabilities of an image that fits into one window, and what the encoder sees in it.

        Returns
        -------
        probabilities
            As of `predict_array`.
        activation
            As of `encode_tile`.
        """
        return self._or_on_cpu(lambda: self._look(image))

    def _answer(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._or_on_cpu(lambda: self._forward(window))

    def _or_on_cpu(self, work: Callable[[], T]) -> T:
        if self._device.type == "cpu":
            return work()
        with self._turn:
            try:
                return work()
            except torch.OutOfMemoryError:
                self._notify("not enough GPU memory: going on with the CPU")
                self._device = torch.device("cpu")
                self._network = self._network.to(self._device)
                return work()

    @torch.inference_mode()
    def _forward(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        with mixed_precision(self._device):
            logits = self._network(self._batch(window))
        return probabilities_of(logits, window.shape)

    @torch.inference_mode()
    def _look(self, window: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with mixed_precision(self._device):
            logits, deepest = self._network.forward_with_features(self._batch(window))
        return probabilities_of(logits, window.shape), deepest[0].float().cpu().numpy()

    def _batch(self, window: NDArray[np.float32]) -> torch.Tensor:
        return pad_to_stride(to_batch([window], self._device), self.spec.total_stride)


def probabilities_of(logits: torch.Tensor, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the probabilities (1 + n_offsets, *shape) of one image from its logits, which may be padded."""
    logits = logits[0][(slice(None), *map(slice, shape))]
    answer: NDArray[np.float32] = logits.float().contiguous().sigmoid_().cpu().numpy()
    return answer
