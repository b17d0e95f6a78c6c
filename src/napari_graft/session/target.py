"""The image of a project as a target that sources are ranked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.fingerprints.general import common_encoder
from napari_graft.imaging.resample import resample_image
from napari_graft.inference.features import FEATURE_TILE, tile_features
from napari_graft.project.project import Project
from napari_graft.scorers.sighting import ComputeContext, Images
from napari_graft.session.examples import make_examples
from napari_graft.session.views import random_tiles, view_of
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.sources.spec import in_plane
from napari_graft.training.examples import Example

if TYPE_CHECKING:
    from napari_graft.nets.residual_unet import ResidualUNet

N_TILES = {2: 32, 3: 16}
"""Of 3-D tiles fewer: each holds as many pixels as four 2-D ones."""
_SEED = 0

_Scale = tuple[int, tuple[float, ...] | None, float | None, float | None, bool, float]


@dataclass(slots=True)
class ProjectTarget:
    """A project's image as a target, read at random places; what networks of one scale share is kept.

    Several threads may ask: what two of them need is computed once.

    Parameters
    ----------
    project
        The project.
    compute
        Where the common encoder runs.
    encoder, encoder_sha256
        The network that all sources share, and the checksum of its weights; None where it is not at hand.
    """

    project: Project
    compute: ComputeContext
    encoder: ResidualUNet | None = None
    encoder_sha256: str | None = None
    _lock: RLock = field(default_factory=RLock)
    _tiles: dict[_Scale, Images] = field(default_factory=dict)
    _general: dict[_Scale, NDArray[np.float32]] = field(default_factory=dict)
    _examples: dict[_Scale, Sequence[Example]] = field(default_factory=dict)

    @property
    def structure(self) -> str | None:
        """What is to be segmented, None where the user did not say."""
        return self.project.manifest.structure

    def tiles(self, spec: NetworkSpec, zoom: float = 1.0) -> Images:
        """Return normalised tiles on the grid of a network; `zoom` above 1 enlarges what they show."""
        key = _scale(spec, zoom)
        with self._lock:
            if key not in self._tiles:
                view = view_of(self.project, spec, self.compute.cancel)
                lengths = [max(1, round(length / zoom)) for length in FEATURE_TILE[spec.ndim]]
                boxes = random_tiles(view, lengths, N_TILES[spec.ndim], np.random.default_rng(_SEED))
                self._tiles[key] = [_zoomed(view.read(box), zoom) for box in boxes]
            return self._tiles[key]

    def general_features(self, spec: NetworkSpec) -> NDArray[np.float32] | None:
        """Return the features of these tiles in the common encoder, None without one.

        It is 2-D: where the network is 3-D, it sees slices of the image at the network's pixel size.
        """
        if self.encoder is None:
            return None
        spec = in_plane(spec)
        key = _scale(spec, 1.0)
        with self._lock:
            if key not in self._general:
                compute = self.compute
                tiles = self.tiles(spec)
                self._general[key] = tile_features(self.encoder, tiles, compute.device, compute.cancel)
            return self._general[key]

    def examples(self, spec: NetworkSpec) -> Sequence[Example]:
        """Return what is annotated, on the grid of a network; none before that."""
        key = _scale(spec, 1.0)
        with self._lock:
            if key not in self._examples:
                annotated = self.project.annotations.labelled_tiles()
                view = view_of(self.project, spec, self.compute.cancel)
                self._examples[key] = make_examples(view, annotated) if annotated else []
            return self._examples[key]


def project_target(project: Project, compute: ComputeContext) -> ProjectTarget:
    """Return a project's image as a target, with the common encoder where that is at hand."""
    common = common_encoder(Catalogue())
    if common is None:
        return ProjectTarget(project, compute)
    encoder, ruler = common
    return ProjectTarget(project, compute, encoder, ruler.encoder)


def _scale(spec: NetworkSpec, zoom: float) -> _Scale:
    return (
        spec.ndim,
        spec.pixel_size,
        spec.object_diameter,
        spec.contrast_window,
        spec.inverted,
        zoom,
    )


def _zoomed(image: NDArray[np.float32], zoom: float) -> NDArray[np.float32]:
    if zoom == 1:
        return image
    shape = tuple(max(1, round(length * zoom)) for length in image.shape)
    return np.ascontiguousarray(resample_image(image, shape))
