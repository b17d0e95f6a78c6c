"""Name the image of a project again, after it was moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isclose
from pathlib import Path

from napari_graft.annotation.journal import JournalEntry
from napari_graft.core.errors import ImageDiffersError, InputError
from napari_graft.io.regular_files import DATASET_MARK, split_location
from napari_graft.project.image_file import ImageChoice, ImageSignature, to_stored_path
from napari_graft.project.project import Project
from napari_graft.session.annotation import user_name
from napari_graft.session.projects.project_image import measure_intensity


def relink_image(project: Project, image: str, *, accept_changed: bool = False) -> None:
    """Let a project, which is open for writing, read its image from another place.

    The file must hold an image of the same shape. Where it is not the file that the project was made with,
    byte for byte as far as its signature tells, or its grey values are others, the user has to say so.

    Parameters
    ----------
    image
        The file or folder; ``::/dataset`` may be left out where it is as before.
    accept_changed
        Whether a file that differs is taken all the same; its grey range is measured anew then.

    Raises
    ------
    ImageDiffersError
        If the file differs and that was not accepted.
    InputError
        If it cannot be read, holds an image of another shape, or the project is open for reading.
    StorageError
        If the disk is full; the image is named as before.
    """
    take_image(project, check_image(project, image, accept_changed=accept_changed))


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """Where the image of a project is now, and what the project is to know of it from then on."""

    path: str
    changes: dict[str, object]
    differs: bool


def check_image(project: Project, image: str, *, accept_changed: bool = False) -> CheckedImage:
    """Read another image as far as needed to say whether it can be that of a project; nothing is written.

    Parameters and errors as for `relink_image`, but that no disk can be full.
    """
    choice = replace(project.image, path=_with_dataset(image, project.image.path))
    known = project.manifest
    found = _Found.look(choice, known.shape)
    difference = found.difference_from(known.signature, known.intensity_range)
    if difference and not accept_changed:
        raise ImageDiffersError(
            f"{choice.path!r} is not the image that the project was made with: {difference}"
        )
    changes: dict[str, object] = {"image": to_stored_path(choice.path, project.folder)}
    if difference:
        changes |= {"signature": found.signature.model_dump(), "intensity_range": found.grey_range}
    return CheckedImage(choice.path, changes, bool(difference))


def take_image(project: Project, checked: CheckedImage) -> None:
    """Let a project read its image from where it was checked; errors as for `relink_image`."""
    before = project.image.path
    project.update_manifest(**checked.changes)
    details: dict[str, str | int | float | bool | None] = {
        "before": before,
        "now": checked.path,
        "differs": checked.differs,
    }
    project.journal.append(JournalEntry(who=user_name(), what="relink image", details=details))


@dataclass(frozen=True, slots=True)
class _Found:
    """What tells one image from another."""

    signature: ImageSignature
    grey_range: tuple[float, float]

    @classmethod
    def look(cls, choice: ImageChoice, shape: tuple[int, ...]) -> _Found:
        """Read an image as far as it must be read."""
        if not choice.file.exists():
            raise InputError(f"no image is at {choice.path!r}: check the path")
        volume = choice.open()
        if volume.shape != shape:
            raise InputError(
                f"the image {choice.path!r} has shape {volume.shape}, that of the project has {shape}: "
                "name the right one"
            )
        try:
            signature = ImageSignature.of(choice.file)
        except OSError as error:
            raise InputError(f"image {choice.path!r} cannot be read: {error.strerror or error}") from None
        intensity = measure_intensity(volume)
        return cls(signature, (intensity.low, intensity.high))

    def difference_from(self, signature: ImageSignature, grey_range: tuple[float, float] | None) -> str:
        """Return how it differs from what is known, in words; empty where it does not."""
        if grey_range is not None and not all(map(isclose, grey_range, self.grey_range)):
            (low, high), (now_low, now_high) = grey_range, self.grey_range
            return (
                f"its grey values go from {now_low:g} to {now_high:g}, those of the project's image from "
                f"{low:g} to {high:g}"
            )
        if signature != self.signature:
            return "its file is another one, though its grey values seem to be the same"
        return ""


def _with_dataset(image: str, before: str) -> str:
    """Return a path with the dataset of the one before, where it names none itself."""
    file, dataset = split_location(image)
    dataset = dataset or split_location(before)[1]
    name = str(Path(file).expanduser().absolute())
    return f"{name}{DATASET_MARK}{dataset}" if dataset else name
