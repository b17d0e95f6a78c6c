"""What pairs promise for a source and a project's image, measured without a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_graft.bridging.method import BridgeContext
from napari_graft.bridging.methods.without_learning import in_view
from napari_graft.bridging.pairs import Image, Pair, split_pairs
from napari_graft.bridging.recipe import Suitability
from napari_graft.bridging.suitability import explain, judge_pairs, words_for
from napari_graft.fingerprints.distance import distance
from napari_graft.fingerprints.fingerprint import make_fingerprint
from napari_graft.inference.features import FEATURE_TILE, tile_features
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.consistency import consistency_of
from napari_graft.scorers.scoring_context import ComputeContext
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.fingerprint import Fingerprint
from napari_graft.sources.network_spec import ModelSpec

_N_CUTS = 32
_FEWEST = 8
"""Tiles of which a fingerprint is made at least."""
_SEED = 0


@dataclass(frozen=True, slots=True)
class Assessor:
    """Judge of networks on a project's image, by what can be measured without labels.

    Parameters
    ----------
    see
        Returns tiles of the image as a network of a specification is shown them.
    decode
        How answers become objects.
    fingerprint
        Of the source, None without one.
    compute
        Where networks run.
    """

    see: Callable[[ModelSpec], Sequence[Image]]
    decode: DecodeSettings
    fingerprint: Fingerprint | None
    compute: ComputeContext

    def consistency(self, network: ResidualUNet) -> float:
        """Return the consistency of a network on the image in its view; see `consistency_of`.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        return consistency_of(network, self.decode, self.see(network.spec), self.compute)

    def z(self, network: ResidualUNet) -> float | None:
        """Return how far the image is from the source's training images, None without a fingerprint."""
        if self.fingerprint is None:
            return None
        compute = self.compute
        features = tile_features(network, self.see(network.spec), compute.device, compute.cancel)
        return distance(self.fingerprint, features).z

    def z_of_pairs(self, source: ResidualUNet, pairs: Sequence[Pair]) -> float | None:
        """Return how far the image is from the pairs in its own modality, in the encoder of the source."""
        compute, rng = self.compute, np.random.default_rng(_SEED)
        cuts = cut_tiles([pair.target for pair in pairs], FEATURE_TILE[source.spec.ndim], rng)
        tiles = self.see(source.spec)
        if len(cuts) < _FEWEST or len(tiles) < 2:
            return None
        of_pairs = tile_features(source, cuts, compute.device, compute.cancel)
        of_target = tile_features(source, tiles, compute.device, compute.cancel)
        return distance(make_fingerprint(of_pairs, None, "", rng), of_target).z


def cut_tiles(images: Sequence[Image], sides: Sequence[int], rng: np.random.Generator) -> list[Image]:
    """Return random tiles of images, no larger than half of each, so that they differ."""
    found = []
    for number in range(_N_CUTS):
        image = images[number % len(images)]
        lengths = [min(side, max(1, n // 2)) for side, n in zip(sides, image.shape, strict=True)]
        starts = [rng.integers(0, n - m + 1) for n, m in zip(image.shape, lengths, strict=True)]
        box = tuple(slice(int(a), int(a) + m) for a, m in zip(starts, lengths, strict=True))
        found.append(np.ascontiguousarray(image[box]))
    return found


def assess_pairs(source: ResidualUNet, context: BridgeContext, assessor: Assessor) -> Suitability:
    """Return what pairs promise; a translator is learned for it, which is thrown away.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    data = context.data
    split = split_pairs(data.pairs)
    found = explain(source, split, context)
    helps, words = judge_pairs(found.by_translator, found.by_view)
    known = Suitability(
        n_pairs=len(data.pairs),
        n_held_out=len(split.held_out),
        explained_by_view=round(found.by_view, 4),
        explained=round(found.by_translator, 4),
        helps=helps,
        words=words,
    )
    if not helps:
        return known
    before = in_view(source, is_inverted=data.inverted)
    measured = {
        "z_before": assessor.z(before),
        "z_after": assessor.z(found.network),
        "z_pairs": assessor.z_of_pairs(source, data.pairs),
        "consistency_before": assessor.consistency(before),
        "consistency_after": assessor.consistency(found.network),
    }
    known = known.model_copy(
        update={name: value if value is None else round(value, 4) for name, value in measured.items()}
    )
    return known.model_copy(update={"words": words_for(known)})
