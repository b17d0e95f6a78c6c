"""Generated images with truth whose look is the nearest to the user's images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.labels import to_annotation
from napari_graft.core.progress import Progress
from napari_graft.imaging.intensity import local_contrast
from napari_graft.inference.features import tile_features
from napari_graft.pretraining.replay import LabelledReplay, ReplayContext, ReplayStream
from napari_graft.samples.appearance import Appearance, CellKind, GeneratedImage, random_appearance
from napari_graft.samples.cells import generate_cells
from napari_graft.samples.em import generate_neuropil
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.examples import Example

N_LOOKS, N_NEAREST, N_IMAGES = 200, 5, 20
SIDE, LARGE, STACK = 128, 256, (16, 128, 128)
"""Side of what is compared, and of what is trained on: an image, or the shape of a stack."""
_NEUROPIL = frozenset({"neurites", "axons"})
_KINDS = {
    "nuclei": (CellKind.FLUORESCENCE, CellKind.STAINED),
    "cells": (CellKind.FLUORESCENCE, CellKind.PHASE),
    "mitochondria": (CellKind.ORGANELLES,),
    "organelles": (CellKind.ORGANELLES,),
}


@dataclass(frozen=True, slots=True)
class Look:
    """Look of a generated image: neuropil or separate objects, and all parameters."""

    is_neuropil: bool
    appearance: Appearance

    def generate(self, shape: tuple[int, ...], rng: np.random.Generator) -> GeneratedImage:
        """Generate an image (y, x), or of neuropil also a stack (z, y, x)."""
        if self.is_neuropil:
            return generate_neuropil(shape, rng, self.appearance)
        return generate_cells((shape[-2], shape[-1]), rng, self.appearance)


def random_look(structure: str | None, spec: ModelSpec, rng: np.random.Generator) -> Look:
    """Draw a look of images of a structure; objects are as wide as the network wants them, where it does."""
    appearance = random_appearance(rng)
    is_neuropil = structure in _NEUROPIL or (
        structure not in _KINDS and (spec.ndim == 3 or rng.random() < 0.5)
    )
    kinds = _KINDS.get(structure or "", tuple(CellKind))
    kind = kinds[int(rng.integers(len(kinds)))]
    radius = appearance.radius
    if spec.object_diameter is not None:
        radius = spec.object_diameter / 2 * float(rng.uniform(0.7, 1.1))  # of the short side
    return Look(is_neuropil, replace(appearance, cell_kind=kind, radius=radius))


def nearest_looks(context: ReplayContext, rng: np.random.Generator) -> list[Look]:
    """Return, of `N_LOOKS` random looks, those whose images lie nearest to the user's.

    Nearest by the Euclidean distance between the features of an image and the mean features of the user's
    tiles, in the encoder that all sources share, each feature divided by its spread over what that encoder
    was trained on. Without the encoder at hand the looks are taken as they come.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    spec = context.source.spec
    n_looks = N_NEAREST if context.common is None else N_LOOKS
    looks = [random_look(context.structure, spec, rng) for _ in range(n_looks)]
    if context.common is None:
        return looks
    encoder, ruler = context.common
    cpu = torch.device("cpu")
    user = ruler.standardise(tile_features(encoder, list(_slices(context.images)), cpu, context.cancel))
    images = list(_generate_small(looks, context, rng))
    made = ruler.standardise(tile_features(encoder, images, cpu, context.cancel))
    distance = np.linalg.norm(made - user.mean(0), axis=1)
    return [looks[i] for i in np.argsort(distance, kind="stable")[:N_NEAREST]]


def _generate_small(
    looks: Sequence[Look], context: ReplayContext, rng: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    for i, look in enumerate(looks):
        context.cancel.raise_if_cancelled()
        context.report(Progress(i, len(looks), "looking for generated images like yours"))
        yield as_seen(look.generate((SIDE, SIDE), rng).image, context.source.spec)


def _slices(images: Sequence[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Yield a tile (y, x) of each image: of a stack its middle slice."""
    for image in images[:32]:
        plane = image if image.ndim == 2 else image[len(image) // 2]
        yield np.ascontiguousarray(plane[:SIDE, :SIDE])


def as_seen(image: NDArray[np.uint8], spec: ModelSpec) -> NDArray[np.float32]:
    """Return a generated image as a network sees it: its range as -1 to 1, its contrast local or not."""
    low, high = np.percentile(image, (0.5, 99.5))
    grey = np.clip(2 * (image - low) / max(high - low, 1) - 1, -1.5, 1.5).astype(np.float32)
    return grey if spec.contrast_window is None else local_contrast(grey, spec.contrast_window)


def replay_generated(context: ReplayContext) -> ReplayStream:
    """Return the replay of generated images that look like the user's.

    Raises
    ------
    InputError
        If the network is 3-D and the objects are of a kind that is generated in 2-D only.
    Cancelled
        When asked to stop.
    """
    spec = context.source.spec
    if spec.ndim == 3 and context.structure in _KINDS:
        raise InputError(
            f"no stacks of {context.structure} can be generated: replay by distillation for a 3-D source"
        )
    rng = np.random.default_rng([context.seed, 1])
    looks = nearest_looks(context, rng)
    shape = STACK if spec.ndim == 3 else (LARGE, LARGE)
    examples = []
    for i in range(N_IMAGES):
        context.cancel.raise_if_cancelled()
        context.report(Progress(i, N_IMAGES, "generating images like yours"))
        look = looks[i % len(looks)]
        examples.append(_example(look.generate(shape, rng), spec))
    return LabelledReplay(examples, context.patch)


def _example(made: GeneratedImage, spec: ModelSpec) -> Example:
    labels = to_annotation(made.segments).astype(np.int32)
    return Example(as_seen(made.image, spec), labels, np.zeros_like(labels))
