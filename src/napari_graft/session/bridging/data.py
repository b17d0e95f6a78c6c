"""What a bridge in a project is learned from: pairs and image on the grid of the source's network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_graft.bridging.pairs import Image, Pair, find_pairs, read_pairs
from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.io import Volume
from napari_graft.io.channels import Stain, in_stain
from napari_graft.project.project import Project
from napari_graft.session.projects.project_image import measure_intensity, random_tiles, view_of
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.sources.source import Source

SIDES = {2: (256, 256), 3: (16, 128, 128)}
N_TILES = {2: 16, 3: 6}
_MOST_PLANES = 8
"""Of a stack that a 2-D network is shown."""
_MOST_LOOKED_AT = 6
_LEAST_SHARE, _LARGEST_SHARE = 0.02, 0.9


@dataclass(frozen=True, slots=True)
class PairReader:
    """Reader of pairs as a network is shown them.

    Their pixels are taken to be as large as those of the project's image, where their files do not say.

    Parameters
    ----------
    project
        Its image is of the modality of the first folder.
    spec
        Of the network, which says in which stain and at which scale it is shown images like the project's.
    own_stain
        Stain that it is shown of images of its own modality.
    cancel, report
        The token that stops the work, and progress.
    """

    project: Project
    spec: NetworkSpec
    own_stain: Stain | None
    cancel: CancelToken
    report: Report

    def read(self, folders: tuple[Path, Path]) -> list[Pair]:
        """Return the pairs in two folders; see `find_pairs` and `read_pairs`.

        Raises
        ------
        InputError
            If something is wrong with them, in words.
        Cancelled
            When asked to stop.
        """
        files = find_pairs(*folders)
        own = view_of(self.project, self.spec, self.cancel, self.report)
        is_inverted = self.project.manifest.inverted

        def look(volume: Volume, stain: Stain | None, *, inverted: bool) -> list[Image]:
            volume = in_stain(volume, stain)
            intensity = replace(measure_intensity(volume), inverted=inverted)
            view = ModelView(self._sized(volume), intensity, self.spec, own.object_diameter)
            return [view.read(tile) for tile in planes_of(volume, self.spec.ndim)]

        return read_pairs(
            files,
            lambda volume: look(volume, self.spec.stain, inverted=is_inverted),
            lambda volume: look(volume, self.own_stain, inverted=False),
            self.cancel,
        )

    def _sized(self, volume: Volume) -> Volume:
        axes, own = volume.axes, self.project.manifest.spatial_axes
        if axes.pixel_size is not None or own.pixel_size is None or axes.ndim > own.ndim:
            return volume
        return replace(volume, axes=Axes(axes.names, own.pixel_size[-axes.ndim :], own.unit))


def planes_of(volume: Volume, ndim: int) -> list[Tile]:
    """Return the whole image as tiles for a network: planes of a stack for a 2-D one, at most some of them.

    Raises
    ------
    InputError
        If a 3-D network is to see a plane.
    """
    shape = volume.shape
    if len(shape) < ndim:
        raise InputError(f"{volume.name} is one plane, and the source wants stacks: choose a 2-D source")
    if len(shape) == ndim:
        return [Tile((0,) * ndim, shape)]
    n = min(shape[0], _MOST_PLANES)
    places = np.linspace(0, shape[0] - 1, n).astype(int)
    return [Tile((int(z), 0, 0), (1, *shape[1:])) for z in places]


def target_tiles(project: Project, spec: NetworkSpec, seed: int, cancel: CancelToken) -> list[Image]:
    """Return random tiles of a project's image as a network is shown them.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    view = view_of(project, spec, cancel)
    boxes = random_tiles(view, SIDES[spec.ndim], N_TILES[spec.ndim], np.random.default_rng(seed))
    found = []
    for box in boxes:
        cancel.raise_if_cancelled()
        found.append(view.read(box))
    return found


def usual_foreground(
    source: Source | None, predictor: Predictor, images: Sequence[Image], cancel: CancelToken
) -> float:
    """Return which share of an image the objects of a source usually fill, 0.02 to 0.9.

    The information term of the translator wants to know it. It is on the card of a source that was trained
    from a recipe; for others, and for runs, what the network finds in the partners of the pairs, which it
    understands, is as near as one comes.

    Parameters
    ----------
    source
        The source with its card, None for a run.
    predictor
        Its network.
    images
        Images of its own modality, as the network sees them.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    if source is not None and source.card.foreground is not None:
        return float(np.clip(source.card.foreground, _LEAST_SHARE, _LARGEST_SHARE))
    found = [predictor.predict_array(image, cancel)[0] > 0.5 for image in images[:_MOST_LOOKED_AT]]
    share = float(np.mean([is_object.mean() for is_object in found]))
    return float(np.clip(share, _LEAST_SHARE, _LARGEST_SHARE))
