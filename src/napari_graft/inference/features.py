"""What a network's encoder sees in a tile: the features that fingerprints and strategies compare."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.nets.device import mixed_precision
from napari_graft.nets.network import Network, pad_to_stride

FEATURE_TILE = {2: (192, 192), 3: (16, 96, 96)}
"""Shape of the tiles that fingerprints are made from and compared with, in pixels of the model's grid."""


@torch.inference_mode()
def encode_tile(network: Network, image: NDArray[np.float32], device: torch.device) -> NDArray[np.float32]:
    """Return the deepest activation of one normalised tile (*spatial), float32 (C, *spatial / stride)."""
    batch = pad_to_stride(torch.from_numpy(image)[None, None].to(device), network.spec.total_stride)
    with mixed_precision(device):
        deepest = network.encode(batch)[-1]
    activation: NDArray[np.float32] = deepest[0].float().cpu().numpy()
    return activation


def pool_activation(activation: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum up an activation (C, *spatial) by the mean and the deviation of each channel, float32 (2 C,).

    NeuroADDA's features are the activations of the last down-projection of a U-Net; how they are pooled is
    not known. The spread beside the mean tells textures apart that have the same mean answer.
    """
    flat = activation.reshape(len(activation), -1)
    return np.concatenate([flat.mean(1), flat.std(1)]).astype(np.float32)


def tile_features(
    network: Network,
    images: Iterable[NDArray[np.float32]],
    device: torch.device,
    cancel: CancelToken | None = None,
) -> NDArray[np.float32]:
    """Return the pooled deepest activations of normalised tiles, float32 (n, 2 C).

    Raises
    ------
    Cancelled
        Between two tiles, when asked to stop.
    """
    network.to(device).eval()
    rows = []
    for image in images:
        if cancel is not None:
            cancel.raise_if_cancelled()
        rows.append(pool_activation(encode_tile(network, image, device)))
    return np.stack(rows)
