"""What a finished source remembers of the images that its recipe names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.fingerprints.fingerprint import general_fingerprint, make_fingerprint
from napari_graft.inference.features import FEATURE_TILE, tile_features
from napari_graft.io.weights import save_tensors
from napari_graft.nets.build import load_network, trainable
from napari_graft.nets.device import choose_device
from napari_graft.recipes.dataset_split import load_dataset, plane_group, planes_of
from napari_graft.recipes.recipe import Recipe, read_recipe
from napari_graft.recipes.samples import DatasetSplit, Sample
from napari_graft.sources.archive import FINGERPRINT, GENERAL
from napari_graft.sources.catalogue import ANCESTOR, Catalogue
from napari_graft.sources.source import Source, open_source

if TYPE_CHECKING:
    import torch

    from napari_graft.nets.residual_unet import ResidualUNet


_N_TILES = 192


@dataclass(frozen=True, slots=True)
class TrainingTiles:
    """Tiles of the training images of a source, and the number of the image or block of each."""

    images: list[NDArray[np.float32]]
    groups: list[int] | None


def draw_training_tiles(dataset: DatasetSplit, rng: np.random.Generator) -> TrainingTiles:
    """Cut tiles out of the training part, 3-D ones out of volumes."""
    return _draw_tiles(dataset.train, rng)


def _draw_tiles(samples: Sequence[Sample], rng: np.random.Generator) -> TrainingTiles:
    tiles, groups = [], []
    for index in rng.integers(len(samples), size=_N_TILES):
        sample = samples[int(index)]
        box = _random_box(sample.image.shape, rng)
        tiles.append(sample.image[box])
        groups.append(
            sample.group if len(box) == 2 else plane_group(int(index), box[0].start, len(sample.image))
        )
    return TrainingTiles(tiles, groups if len(set(groups)) > 1 else None)


def write_fingerprints(
    network: ResidualUNet, dataset: DatasetSplit, encoder: str, out: Path, device: torch.device
) -> None:
    """Write the fingerprints of a source, in its own encoder and in the common one, into its folder.

    Parameters
    ----------
    encoder
        SHA-256 of the weights of `network`.
    """
    rng = np.random.default_rng(0)
    tiles = draw_training_tiles(dataset, rng)
    features = tile_features(network, tiles.images, device)
    own = make_fingerprint(features, tiles.groups, encoder, rng)
    save_tensors(out / FINGERPRINT, own.to_tensors(), {})
    if network.spec.ndim == 3:
        # The common encoder is 2-D, and sees volumes slice by slice.
        tiles = _draw_tiles(planes_of(dataset.train), np.random.default_rng(0))
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
    write_fingerprints(network, finished.dataset, encoder, out, choose_device(device))
    return open_source(out, "file")


def _random_box(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[slice, ...]:
    """Choose a tile anywhere; of an image no larger than a tile three quarters, so that tiles differ."""
    usual = zip(shape, FEATURE_TILE[len(shape)], strict=True)
    sides = [side if n > side else max(1, 3 * n // 4) for n, side in usual]
    starts = [int(rng.integers(n - side + 1)) for n, side in zip(shape, sides, strict=True)]
    return tuple(slice(a, a + side) for a, side in zip(starts, sides, strict=True))


@dataclass(frozen=True, slots=True)
class FinishedSource:
    """A source with its recipe and the images of that."""

    recipe: Recipe
    source: Source
    dataset: DatasetSplit

    def load_network(self) -> ResidualUNet:
        """Return the network of the source."""
        return trainable(load_network(self.source.card.spec, self.source.load_weights()), self.source.id)


def open_finished(recipe_path: Path, folder: Path, *, report: Report, cancel: CancelToken) -> FinishedSource:
    """Open the source in a folder, and read the images of its recipe.

    Raises
    ------
    InputError
        If the folder holds no source of this recipe, or its images cannot be used.
    Cancelled
        When asked to stop.
    """
    recipe = read_recipe(recipe_path)
    source = open_source(folder, "file")
    if source.card.training.recipe != recipe.id:
        raise InputError(
            f"the source in {str(folder)!r} was not trained by the recipe {recipe.id!r}: name its own recipe"
        )
    report(Progress(0, 1, f"reading the images of {recipe.id}"))
    dataset = load_dataset(recipe, (recipe_path.parent / recipe.folder).resolve())
    cancel.raise_if_cancelled()
    return FinishedSource(recipe, source, dataset)
