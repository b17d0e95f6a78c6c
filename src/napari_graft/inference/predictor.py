"""Run a network over an image that fits into memory, in blended windows, and say how unsure it is."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.inference.view import ModelView
from napari_graft.nets.device import mixed_precision
from napari_graft.nets.network import Network, pad_to_stride

_SILENT = 3 / 8
"""Share of the overlap, from the border of a window, where its answer does not count."""
_LEAST_WEIGHT = 1e-6
_LEAST_MULTIPLES = 4


def window_tiles(
    shape: Sequence[int], largest: Sequence[int], overlap: Sequence[int], multiple: Sequence[int]
) -> list[Tile]:
    """Cover an image with few windows of one shape that overlap at least by `overlap`.

    Windows are no longer than they must be: an image a little longer than `largest` gets two windows of about
    half its length and not two of `largest`, most of which would be predicted twice.

    Parameters
    ----------
    largest
        Longest window along each axis.
    multiple
        Where an axis has several windows their length is a multiple of this, unless the image is shorter, so
        that nothing is padded. They begin at multiples of `start_multiple`, but for the last where the image
        is no multiple long: so that all see the same grid.
    """
    sizes, starts = [], []
    for length, longest, shared, factor in zip(shape, largest, overlap, multiple, strict=True):
        step = start_multiple(longest, factor)
        at_least = shared + step - 1 if length > longest else shared  # a start moves down to a multiple
        n_windows = max(1, -(-(length - at_least) // max(1, longest - at_least))) if length > longest else 1
        size = -(-(length + (n_windows - 1) * at_least) // n_windows)
        size = min(-(-size // factor) * factor, length)
        sizes.append(size)
        places = np.linspace(0, length - size, n_windows).astype(int) // step * step
        starts.append([*places[:-1].tolist(), length - size])
    return [Tile(tuple(start), tuple(sizes)) for start in product(*starts)]


def start_multiple(longest: int, multiple: int) -> int:
    """Return what windows of a length begin at multiples of: 1 where they are too short for another grid.

    A network of one size is shown windows of that size, which are its `multiple` as well.
    """
    return multiple if longest >= _LEAST_MULTIPLES * multiple else 1


def blend_weights(shape: Sequence[int], overlap: Sequence[int]) -> NDArray[np.float32]:
    """Return weights that fall linearly to the border around the middle of the overlap.

    In the outer three eighths of the overlap, where a network lacks context, they are next to nothing: there
    the neighbour speaks. They never reach 0, as some pixels have no neighbour.
    """
    weights = np.ones(tuple(shape), np.float32)
    for axis, (length, shared) in enumerate(zip(shape, overlap, strict=True)):
        distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1.0
        rise = (distance / (shared + 1) - _SILENT) / (1 - 2 * _SILENT)
        ramp = np.clip(rise, _LEAST_WEIGHT, 1.0).astype(np.float32)
        weights *= ramp.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return weights


def to_batch(windows: Sequence[NDArray[np.float32]], device: torch.device) -> torch.Tensor:
    """Stack windows of one shape into (N, 1, *spatial) on the device."""
    return torch.from_numpy(np.stack(windows)[:, None]).to(device, non_blocking=True)


class Blender:
    """Accumulator of the blended outputs of windows in one array.

    Parameters
    ----------
    n_channels
        Channels of an answer.
    shape
        Shape of the image.
    window
        Shape of a window.
    overlap
        Width of the blending.
    """

    def __init__(
        self, n_channels: int, shape: Sequence[int], window: Sequence[int], overlap: Sequence[int]
    ) -> None:
        self._sum = np.zeros((n_channels, *shape), np.float32)
        self._weight = np.zeros(tuple(shape), np.float32)
        self._weights = blend_weights(window, overlap)

    def add(self, window: Tile, answer: NDArray[np.float32]) -> None:
        """Add the answer (n_channels, *window.shape) of one window, which is scaled in place."""
        answer *= self._weights
        self._sum[(slice(None), *window.slices)] += answer
        self._weight[window.slices] += self._weights

    def result(self, cancel: CancelToken) -> NDArray[np.float32]:
        """Return the weighted mean, float32 (n_channels, *shape)."""
        cancel.raise_if_cancelled()
        self._sum /= self._weight
        return self._sum


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


_SMALLEST = 1e-6


def binary_entropy(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``-p log2 p - (1 - p) log2 (1 - p)`` in bits, 0 to 1."""
    p = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    return np.asarray(-p * np.log2(p) - (1 - p) * np.log2(1 - p), np.float32)


def uncertainty_map(prediction: Prediction, n_attractive: int) -> NDArray[np.float32]:
    """Return the mean entropy of the foreground and of the nearest-neighbour affinities, in bits, 0 to 1.

    The long affinities are left out: far from any border they are unsure about pairs that decide nothing.
    """
    entropy = binary_entropy(prediction.foreground)
    for affinity in prediction.affinities[:n_attractive]:
        entropy = entropy + binary_entropy(affinity)
    return np.asarray(entropy / (1 + n_attractive), np.float32)
