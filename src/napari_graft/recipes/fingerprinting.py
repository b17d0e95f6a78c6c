"""What a source remembers of the images that a recipe names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.fingerprints.fingerprint import make_fingerprint
from napari_graft.fingerprints.general import general_fingerprint
from napari_graft.inference.features import tile_features
from napari_graft.io.weights import save_tensors
from napari_graft.nets.device import choose_device
from napari_graft.recipes.finished import open_finished
from napari_graft.recipes.material import Material
from napari_graft.sources.archive import FINGERPRINT, GENERAL
from napari_graft.sources.catalogue import ANCESTOR, Catalogue
from napari_graft.sources.source import Source, open_source

if TYPE_CHECKING:
    import torch

    from napari_graft.nets.residual_unet import ResidualUNet

TILE_SIDE = 192
_N_TILES = 192


@dataclass(frozen=True, slots=True)
class TrainingTiles:
    """Hold tiles of the training images of a source, and the number of the image or block of each."""

    images: list[NDArray[np.float32]]
    groups: list[int] | None


def draw_training_tiles(material: Material, rng: np.random.Generator) -> TrainingTiles:
    """Cut tiles out of the training part."""
    tiles, groups = [], []
    for index in rng.integers(len(material.train), size=_N_TILES):
        s = material.train[int(index)]
        tiles.append(_random_tile(s.image, rng))
        groups.append(s.group)
    return TrainingTiles(tiles, groups if len(set(groups)) > 1 else None)


def write_fingerprints(
    network: ResidualUNet, material: Material, encoder: str, out: Path, device: torch.device
) -> None:
    """Write the fingerprints of a source, in its own encoder and in the common one, into its folder.

    Parameters
    ----------
    encoder
        SHA-256 of the weights of `network`.
    """
    rng = np.random.default_rng(0)
    tiles = draw_training_tiles(material, rng)
    features = tile_features(network, tiles.images, device)
    own = make_fingerprint(features, tiles.groups, encoder, rng)
    save_tensors(out / FINGERPRINT, own.to_tensors(), {})
    general = general_fingerprint(tiles.images, tiles.groups, Catalogue(), device)
    if general is not None and out.name != ANCESTOR:
        save_tensors(out / GENERAL, general.to_tensors(), {})


def renew_fingerprints(
    recipe_path: Path, out: Path, *, device: str = "auto", report: Report, cancel: CancelToken
) -> Source:
    """Make the fingerprints of a finished source anew from the images of its recipe; nothing is trained.

    Raises
    ------
    InputError
        If the folder holds no source of this recipe, or its images cannot be used.
    Cancelled
        When asked to stop; the fingerprints are as they were.
    """
    finished = open_finished(recipe_path, out, report=report, cancel=cancel)
    source = finished.source
    report(Progress(0, 1, f"summing up the images of {finished.recipe.id}"))
    network, encoder = finished.load_network(), source.card.weights_sha256
    write_fingerprints(network, finished.material, encoder, out, choose_device(device))
    return open_source(out, "file")


def _random_tile(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Cut a tile anywhere; of an image no larger than a tile three quarters, so that tiles differ."""
    sides = [TILE_SIDE if n > TILE_SIDE else max(1, 3 * n // 4) for n in image.shape]
    starts = [int(rng.integers(n - side + 1)) for n, side in zip(image.shape, sides, strict=True)]
    return image[tuple(slice(a, a + side) for a, side in zip(starts, sides, strict=True))]
