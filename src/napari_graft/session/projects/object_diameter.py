"""How wide the wanted objects of a project's image are: said by the user, or found by sources."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress, note
from napari_graft.core.strings import checksum_of
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.io import atomic
from napari_graft.io.documents import Document, read_document, write_document
from napari_graft.io.volume import Volume
from napari_graft.project.project import Project
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.sources.source import Source, invert_source, trained_on

if TYPE_CHECKING:
    from napari_graft.scorers.scale import FoundDiameter


FILE = Path("cache", "object-diameter.json")
_SEEN = {"signature", "shape", "axes", "declared_axes", "channel", "inverted"}
INNERMOST = "nuclei"
"""Structure that lies in other objects, cells."""
_METHOD = 9
"""To be raised when the same image and source would give another diameter."""


class _Found(Document):
    """What was found. `key` depends on the sources that were tried too, `image` only on what it was shown."""

    key: str
    image: str
    pixels: float | None
    wider: float | None = None


DiameterOrigin = Literal["said", "trained", "found", "not found", "unknown"]
"""By the user, by a round that was trained with it, in the image; or looked for in vain, or not yet."""


@dataclass(frozen=True, slots=True)
class KnownDiameter:
    """How wide the wanted objects are taken to be, in pixels of the image, and how that is known.

    Parameters
    ----------
    pixels
        The diameter.
    origin
        How it is known.
    wider
        Diameter of other objects that were found, in which the wanted ones may lie; None without such.
    """

    pixels: float | None = None
    origin: DiameterOrigin = "unknown"
    wider: float | None = None


NOT_KNOWN = KnownDiameter()


def known_diameter(project: Project) -> KnownDiameter:
    """Return what is known of the diameter of the objects without looking for it."""
    said = project.manifest.object_diameter
    if said is not None:
        return KnownDiameter(said, "said")
    trained = _trained_with(project)
    if trained is not None:
        return KnownDiameter(trained, "trained")
    grey = project.manifest.intensity_range
    found = _read(project.folder / FILE)
    if grey is None or found is None or found.image != _shown(project, IntensityRange(*grey)):
        return NOT_KNOWN
    return KnownDiameter(found.pixels, "not found" if found.pixels is None else "found", found.wider)


def needs_diameter(project: Project, spec: NetworkSpec) -> bool:
    """Say whether the diameter of the objects decides how large a network sees the image.

    Where the pixel sizes of image and network are known, these do, unless the user said a diameter.
    """
    if spec.object_diameter is None:
        return False
    sizes = (spec.pixel_size, project.volume.axes.pixel_size)
    return project.manifest.object_diameter is not None or None in sizes


def object_diameter(
    project: Project,
    spec: NetworkSpec,
    intensity: IntensityRange,
    cancel: CancelToken,
    report: Report = ignore_progress,
) -> float | None:
    """Return the diameter of the wanted objects in pixels of the image; None where it is not needed or known.

    What the user said counts, then what a round was trained with. Where the pixel sizes of image and model
    are known, nothing is looked for; else sources for the wanted structure are tried at many scales
    (`find_diameter`), once.
    """
    if not needs_diameter(project, spec):
        return None
    said = project.manifest.object_diameter or _trained_with(project)
    return _remembered(project, intensity, cancel, report) if said is None else said


def _trained_with(project: Project) -> float | None:
    trained = (run.record.object_diameter for run in (*project.runs.all(), *project.runs.prepared()))
    return next((pixels for pixels in trained if pixels is not None), None)


def choose_scouts(sources: Sequence[Source], structure: str | None, image: str) -> list[Source]:
    """Return the sources that are asked how wide the objects are: 2-D ones for the wanted structure.

    Those of its family where there is none for itself; none that does not know the diameter of its own
    objects, or has seen the image in its training.
    """
    from napari_graft.scorers.order import family

    suited = [
        source
        for source in sources
        if source.card.spec.object_diameter is not None
        and source.card.spec.ndim == 2
        and (structure is None or family(source.card.structure) == family(structure))
        and not trained_on(source, image)
    ]
    return [source for source in suited if source.card.structure == structure] or suited


def _remembered(
    project: Project, intensity: IntensityRange, cancel: CancelToken, report: Report
) -> float | None:
    scouts = choose_scouts(Catalogue().sources(), project.manifest.structure, project.image.path)
    if not scouts:
        return None
    image = _shown(project, intensity)
    key = checksum_of([image, sorted(scout.card.weights_sha256 for scout in scouts)])
    path = project.folder / FILE
    known = _read(path)
    if known is None or known.key != key:
        found = look_for_diameter(
            project.volume,
            intensity,
            scouts,
            cancel,
            report,
            innermost=project.manifest.structure == INNERMOST,
        )
        known = _Found(key=key, image=image, pixels=None)
        if found is not None:
            known = known.model_copy(update={"pixels": found.pixels, "wider": found.wider})
        with suppress(StorageError):  # it is only looked for again
            _write(path, known)
        report(note(words_of_found(known.pixels)))
    return known.pixels


def _shown(project: Project, intensity: IntensityRange) -> str:
    """Return the checksum of what decides what a source sees of the image, and which source is asked."""
    manifest = project.manifest
    seen = manifest.model_dump(mode="json", include=_SEEN)
    return checksum_of([_METHOD, seen, manifest.structure, intensity.low, intensity.high])


def words_of_found(pixels: float | None) -> str:
    """Say how wide the objects were found to be.

    >>> words_of_found(92.7)
    'objects are taken to be about 93 pixels wide'
    """
    if pixels is None:
        return "how wide the objects are was not found: the image is taken at its own scale"
    return f"objects are taken to be about {rounded_diameter(pixels):g} pixels wide"


def rounded_diameter(pixels: float) -> float:
    """Return a diameter as it is shown: in whole pixels, or tenths where it is less than ten.

    >>> rounded_diameter(92.7), rounded_diameter(4.44)
    (93.0, 4.4)
    """
    return float(round(pixels)) if pixels >= 10 else round(pixels, 1)


def look_for_diameter(
    volume: Volume,
    intensity: IntensityRange,
    sources: Sequence[Source],
    cancel: CancelToken,
    report: Report = ignore_progress,
    *,
    innermost: bool = False,
) -> FoundDiameter | None:
    """Return how wide the objects are that some sources find in an image, None where that cannot be told.

    Each is shown the image and its negative, for nobody knows yet how bright its objects are. For `innermost`
    see `find_diameter`.

    Before each scale it reports how many were tried.

    Raises
    ------
    Cancelled
        Between two tiles, when asked to stop.
    """
    # both load torch, and whoever only opens a project has no need of it
    from napari_graft.scorers.scale import find_diameter, n_trials
    from napari_graft.session.projects.diameter_scout import DiameterScout

    views = [view for source in sources for view in (source, invert_source(source))]
    total, n_tried = n_trials(len(views), len(sources)), 0

    def tell() -> None:
        # One message for all of it: whoever tells the time left begins anew with another.
        nonlocal n_tried
        report(Progress(n_tried, total, "finding how wide the objects are", phase="object size"))
        n_tried += 1

    scouts = [DiameterScout(source, volume, intensity, cancel, tell).as_scout() for source in views]
    return find_diameter(scouts, innermost=innermost)


def _read(path: Path) -> _Found | None:
    try:
        return read_document(_Found, path, "diameter of objects")
    except InputError:  # not looked for before, damaged, or of another version of the program
        return None


def _write(path: Path, known: _Found) -> None:
    with atomic.storage_errors(path.parent):
        path.parent.mkdir(exist_ok=True)
    write_document(path, known)
