"""Correct what is known of a project's image, where nothing was trained on it yet."""

from __future__ import annotations

from dataclasses import replace

from napari_graft.core.errors import InputError
from napari_graft.project.manifest import MAX_DIAMETER
from napari_graft.project.project import Project
from napari_graft.project.ranking import StoredRanking
from napari_graft.sources.card import Structure


def why_fixed(project: Project) -> str:
    """Return why pixel size, width of objects and contrast can no longer be changed, empty where they can.

    A network that was trained at one scale and contrast finds other objects at another, and nothing would
    show that.
    """
    runs = project.runs.all()
    if runs:
        return f"round {int(runs[0].id)} was trained at this scale and contrast"
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
