"""What a scorer is, and what it is given: one source on one target, computed when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.fingerprints.distance import Distance, distance
from napari_graft.inference.features import tile_features
from napari_graft.inference.predictor import Predictor
from napari_graft.scorers.found_objects import find_objects, telling_tiles
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.fingerprint import Fingerprint
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.sources.source import Source
from napari_graft.training.examples import Example

if TYPE_CHECKING:
    import torch

    from napari_graft.nets.network import Network


Images = Sequence[NDArray[np.float32]]


class Target(Protocol):
    """An image that sources are to be ranked for, as their networks see it."""

    @property
    def structure(self) -> str | None:
        """What is to be segmented, None where that is not known."""
        ...

    def tiles(self, spec: NetworkSpec, zoom: float = 1.0) -> Images:
        """Return normalised tiles on the grid of a network; `zoom` above 1 enlarges what they show."""
        ...

    def general_features(self, spec: NetworkSpec) -> NDArray[np.float32] | None:
        """Return the features of these tiles in the encoder that all sources share, None without one."""
        ...

    def examples(self, spec: NetworkSpec) -> Sequence[Example]:
        """Return what is annotated, none before that."""
        ...


@dataclass(frozen=True, slots=True)
class ComputeContext:
    """Compute context: the device, and the token that stops the work."""

    device: torch.device
    cancel: CancelToken


class ScoringContext:
    """Scoring context of one source on one target, computed when a scorer first asks for it.

    Parameters
    ----------
    source
        The source.
    network, decode
        Its network, and how that is turned into objects.
    target
        The image.
    compute
        Where the network runs.
    source_features
        Features of the source's own training tiles, which only a benchmark has: (n, d), None elsewhere.
    """

    def __init__(
        self,
        source: Source,
        network: Network,
        decode: DecodeSettings,
        target: Target,
        compute: ComputeContext,
        source_features: NDArray[np.float32] | None = None,
    ) -> None:
        self.source = source
        self.network = network
        self.decode = decode
        self.target = target
        self.compute = compute
        self.source_features = source_features

    @cached_property
    def fingerprint(self) -> Fingerprint | None:
        """What the source remembers of its training tiles."""
        return self.source.load_fingerprint()

    @cached_property
    def tiles(self) -> Images:
        """Tiles of the target on the network's grid."""
        return self.target.tiles(self.network.spec)

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """Features of these tiles in the source's own encoder, (m, d)."""
        return self.features_of(self.tiles)

    @cached_property
    def distance(self) -> Distance | None:
        """Distance of the target to the source's training tiles, None without a fingerprint."""
        return self.distance_of(self.features) if self.fingerprint is not None else None

    @cached_property
    def predictor(self) -> Predictor:
        """The network on the device."""
        return Predictor(self.network, self.compute.device)

    @cached_property
    def found(self) -> Sequence[tuple[NDArray[np.float32], NDArray[np.uint32]]]:
        """The tiles where there is something to find, and the objects that the source finds in them."""
        tiles = telling_tiles(self.tiles, self.network.spec.ndim)
        return [
            (tile, find_objects(self.predictor, self.decode, tile, self.compute.cancel)) for tile in tiles
        ]

    def features_of(self, tiles: Images) -> NDArray[np.float32]:
        """Return the features of other tiles in the source's own encoder.

        Raises
        ------
        Cancelled
            Between two tiles, when asked to stop.
        """
        return tile_features(self.network, tiles, self.compute.device, self.compute.cancel)

    def distance_of(self, features: NDArray[np.float32]) -> Distance:
        """Return how far tiles with these features are from the source's; it has a fingerprint."""
        assert self.fingerprint is not None
        return distance(self.fingerprint, features, encoder=self.source.card.weights_sha256)


@dataclass(frozen=True, slots=True)
class Scorer:
    """Measure of how well a source suits a target.

    Parameters
    ----------
    title
        What people call it.
    measure
        Returns a number, higher for a better source; None where it cannot be measured.
    is_combined
        Whether it has a say in the order of the sources; the others are there to be compared with.
    reads_labels
        Whether it looks at what is annotated.
    """

    title: str
    measure: Callable[[ScoringContext], float | None]
    is_combined: bool = True
    reads_labels: bool = False
