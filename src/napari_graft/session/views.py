"""The project's image as a model sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from napari_graft.core.progress import CancelToken, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange, estimate_intensity_range
from napari_graft.inference.view import ModelView
from napari_graft.io import Volume, check_image
from napari_graft.project.project import Project
from napari_graft.session.object_diameter import needs_diameter, object_diameter
from napari_graft.sources.network_spec import NetworkSpec

_SEED = 0


def measure_intensity(volume: Volume) -> IntensityRange:
    """Check an image and measure its grey range over the whole volume.

    Raises
    ------
    InputError
        If the image is constant, or has NaN or infinite pixels.
    """
    check_image(volume, np.random.default_rng(_SEED))
    return estimate_intensity_range(volume, np.random.default_rng(_SEED))


def intensity_of(project: Project) -> IntensityRange:
    """Return the grey range of the project's image, from its manifest where it was measured before."""
    manifest = project.manifest
    known = manifest.intensity_range
    found = measure_intensity(project.volume) if known is None else IntensityRange(*known)
    return replace(found, inverted=manifest.inverted)


def view_of(
    project: Project,
    spec: NetworkSpec,
    cancel: CancelToken | None = None,
    report: Report = ignore_progress,
) -> ModelView:
    """Return the project's image as a model of `spec` sees it.

    Where the model knows how wide its objects are, those of the image may first have to be looked for, which
    takes seconds; `report` hears of that.

    Raises
    ------
    Cancelled
        When asked to stop meanwhile.
    """
    intensity = intensity_of(project)
    diameter = object_diameter(project, spec, intensity, cancel or CancelToken(), report)
    return ModelView(project.volume, intensity, spec, diameter)


def find_diameter_beforehand(
    project: Project, specs: Iterable[NetworkSpec], cancel: CancelToken, report: Report
) -> None:
    """Look for the diameter of the objects now where one of several networks will need it.

    So that it is told of by itself, and not in the midst of what they do.

    Raises
    ------
    Cancelled
        When asked to stop meanwhile.
    """
    needing = next((spec for spec in specs if needs_diameter(project, spec)), None)
    if needing is not None:
        view_of(project, needing, cancel, report)


def random_tiles(view: ModelView, lengths: Sequence[int], n: int, rng: np.random.Generator) -> list[Tile]:
    """Draw tiles of a shape in model pixels, for a 2-D model one slice thick, smaller where the image is.

    Where such a tile would be the whole image, tiles of half its length are drawn, so that they differ.
    """
    shape = view.volume.shape
    wanted = view.on_image(lengths)
    sides = [min(length or 1, whole) for length, whole in zip(wanted, shape, strict=True)]
    if sides == list(shape):
        sides = [max(1, side // 2) for side in sides]
    starts = [rng.integers(0, whole - side + 1, n) for side, whole in zip(sides, shape, strict=True)]
    return [Tile(tuple(int(a) for a in start), tuple(sides)) for start in zip(*starts, strict=True)]
