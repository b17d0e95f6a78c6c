"""The image of a project: what is known of it and can be corrected, and how a model sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.core.progress import NOTE, CancelToken, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange, estimate_intensity_range
from napari_graft.inference.view import ModelView
from napari_graft.io import Volume, check_image
from napari_graft.io.channels import in_stain
from napari_graft.io.opening import GIVEN
from napari_graft.io.pixel_sizes import size_words
from napari_graft.project.documents import StoredRanking
from napari_graft.project.manifest import MAX_DIAMETER, ProjectManifest
from napari_graft.project.project import Project
from napari_graft.session.projects.object_diameter import needs_diameter, object_diameter
from napari_graft.sources.card import Structure
from napari_graft.sources.network_spec import NetworkSpec


def why_fixed(project: Project) -> str:
    """Return why pixel size, width of objects and contrast can no longer be changed, empty where they can.

    A network that was trained at one scale and contrast finds other objects at another, and nothing would
    show that.
    """
    runs = project.runs.all()
    if runs:
        return f"round {int(runs[0].id)} was trained at this scale and contrast"
    if project.runs.prepared():
        return "a source was prepared at this scale and contrast"
    if project.trial.trainings.all():
        return "a trial was trained at this scale and contrast"
    return ""


def correct_pixel_size(project: Project, pixel_size: tuple[float, ...] | None, unit: str) -> None:
    """Say how long a pixel is along each axis, None for what the file says; the ranking is forgotten.

    Raises
    ------
    InputError
        If it is no length, something was trained already, or the project is open for reading.
    StorageError
        If the disk is full; the old one stays.
    """
    manifest = project.manifest
    if (pixel_size, unit) == (manifest.pixel_size, manifest.unit):
        return
    seen = replace(project.image, pixel_size=pixel_size, unit=unit).open()
    _correct(
        project,
        pixel_size=seen.axes.pixel_size,
        unit=seen.axes.unit,
        pixel_size_from=seen.size_note.origin,
        pixel_size_doubt=seen.size_note.doubt,
    )


def correct_contrast(project: Project, *, inverted: bool) -> None:
    """Say whether dark and bright are swapped; otherwise as `correct_pixel_size`."""
    if inverted != project.manifest.inverted:
        _correct(project, inverted=inverted)


def correct_object_diameter(project: Project, pixels: float | None) -> None:
    """Say how wide the wanted objects are within a plane, None for what is found; as `correct_pixel_size`."""
    refuse_diameter(pixels)
    if pixels != project.manifest.object_diameter:
        _correct(project, object_diameter=pixels)


def refuse_diameter(pixels: float | None) -> None:
    """Raise an error where no object can be as wide.

    Raises
    ------
    InputError
        If so.
    """
    if pixels is not None and not 2 <= pixels <= MAX_DIAMETER:
        raise InputError(
            f"no object is {pixels:g} pixels wide: give its diameter in pixels, 2 to {MAX_DIAMETER}"
        )


def correct_structure(project: Project, structure: Structure | None) -> None:
    """Say what is to be segmented; the ranking is forgotten, and rounds are judged by what suits it.

    Nothing that was trained depends on it, so it can be changed at any time.

    Raises
    ------
    InputError
        If the project is open for reading.
    StorageError
        If the disk is full; the old one stays.
    """
    if structure != project.manifest.structure:
        _forget_ranking(project)
        project.update_manifest(structure=structure)


def _correct(project: Project, **changes: object) -> None:
    reason = why_fixed(project)
    if reason:
        raise InputError(f"{reason}: make a new project to change that")
    _forget_ranking(project)
    project.update_manifest(**changes)


def _forget_ranking(project: Project) -> None:
    """Keep the chosen source, and nothing that was measured on the image as it was described before."""
    project.store_ranking(StoredRanking(chosen=project.ranking().chosen))


OPTION = "--pixel-size"


def pixel_size_lines(manifest: ProjectManifest) -> list[str]:
    """Return what the command line says of the pixel size: it and its origin, or a note that asks for it."""
    doubt = manifest.pixel_size_doubt
    if manifest.pixel_size is None:
        return [unknown_pixel_size(manifest)]
    line = f"pixel size {size_words(manifest.pixel_size, manifest.unit)}"
    if manifest.pixel_size_from:
        line += f", from {OPTION if manifest.pixel_size_from == GIVEN else manifest.pixel_size_from}"
    return [line] + ([f"{NOTE}{doubt}; if that is wrong, give the pixel size with {OPTION}"] if doubt else [])


def unknown_pixel_size(manifest: ProjectManifest) -> str:
    """Return the note that a pixel size is unknown, why, and how to give it."""
    why = f" ({manifest.pixel_size_doubt})" if manifest.pixel_size_doubt else ""
    letters = " ".join(manifest.axes.upper())
    return (
        f"{NOTE}the pixel size is unknown{why}, so the image is used as it is; "
        f"give it with {OPTION} {letters} --unit nm"
    )


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
    volume = project.volume
    if spec.stain is not None and volume.channel_axis is not None:
        volume = in_stain(volume, spec.stain)
        intensity = replace(measure_intensity(volume), inverted=intensity.inverted)
    return ModelView(volume, intensity, spec, diameter)


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


def random_tiles(
    view: ModelView, lengths: Sequence[int], n: int, rng: np.random.Generator, within: Tile | None = None
) -> list[Tile]:
    """Draw tiles of a shape in model pixels, for a 2-D model one slice thick, smaller where the image is.

    Where such a tile would be the whole image, or all of what it is to lie within, tiles of half its length
    are drawn, so that they differ.
    """
    bounds = within or Tile((0,) * len(view.volume.shape), view.volume.shape)
    shape = bounds.shape
    wanted = view.on_image(lengths)
    sides = [min(length or 1, whole) for length, whole in zip(wanted, shape, strict=True)]
    if sides == list(shape):
        sides = [max(1, side // 2) for side in sides]
    starts = [rng.integers(0, whole - side + 1, n) for side, whole in zip(sides, shape, strict=True)]
    tiles = (Tile(tuple(int(a) for a in start), tuple(sides)) for start in zip(*starts, strict=True))
    return [tile.shift(bounds.start) for tile in tiles]
