"""How wide the wanted objects of a project's image are: said by the user, or found by a source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.checksum import checksum_of
from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.progress import NOTE, CancelToken, Progress, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.view import ModelView
from napari_graft.io import atomic
from napari_graft.io.volume import Volume
from napari_graft.project.project import Project
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.document import Document, read_document, write_document
from napari_graft.sources.exclude import trained_on
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.sources.source import Source

if TYPE_CHECKING:
    from napari_graft.scorers.scale import FoundDiameter, Looks

FILE = Path("cache", "object-diameter.json")
_SEEN = {"signature", "shape", "axes", "declared_axes", "channel", "inverted"}
_METHOD = 1
"""To be raised when the same image and source would give another diameter."""
LOOKING = "finding how wide the objects are"
_N_TILES = 4
_SIDE = 224
_SMALLEST_SIDE = 32
"""Of a tile in pixels of the source: in less hardly an object is seen whole."""
_SEED = 0


class _Found(Document):
    """What was found. `key` depends on the source that was tried too, `image` only on what it was shown."""

    key: str
    image: str
    pixels: float | None


DiameterOrigin = Literal["said", "trained", "found", "not found", "unknown"]
"""By the user, by a round that was trained with it, in the image; or looked for in vain, or not yet."""


@dataclass(frozen=True, slots=True)
class KnownDiameter:
    """How wide the wanted objects are taken to be, in pixels of the image, and how that is known."""

    pixels: float | None = None
    origin: DiameterOrigin = "unknown"


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
    return KnownDiameter(found.pixels, "not found" if found.pixels is None else "found")


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
    are known, nothing is looked for; else the source that knows the most sets of the wanted structure is
    tried at many scales (`find_diameter`), once.
    """
    if not needs_diameter(project, spec):
        return None
    said = project.manifest.object_diameter or _trained_with(project)
    return _remembered(project, intensity, cancel, report) if said is None else said


def _trained_with(project: Project) -> float | None:
    trained = (run.record.object_diameter for run in project.runs.all())
    return next((pixels for pixels in trained if pixels is not None), None)


def choose_scout(sources: list[Source], structure: str | None, image: str) -> Source | None:
    """Return the source that is tried at many scales: 2-D, of the wanted structure, of the most data sets.

    None where no such source knows the diameter of its objects, or has not seen the image in its training.
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
    return max(suited, key=lambda one: (one.card.structure == structure, _n_sets(one), one.id), default=None)


def _n_sets(source: Source) -> int:
    return len(source.card.training.datasets)


def _remembered(
    project: Project, intensity: IntensityRange, cancel: CancelToken, report: Report
) -> float | None:
    scout = choose_scout(Catalogue().sources(), project.manifest.structure, project.image.path)
    if scout is None:
        return None
    image = _shown(project, intensity)
    key = checksum_of([image, scout.card.weights_sha256])
    path = project.folder / FILE
    known = _read(path)
    if known is None or known.key != key:
        found = look_for_diameter(project.volume, intensity, scout, cancel, report)
        known = _Found(key=key, image=image, pixels=None if found is None else found.pixels)
        with suppress(StorageError):  # it is only looked for again
            _write(path, known)
        report(Progress(0, None, NOTE + words_of_found(known.pixels)))
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
    scout: Source,
    cancel: CancelToken,
    report: Report = ignore_progress,
) -> FoundDiameter | None:
    """Return how wide the objects are that a source finds in an image, None where that cannot be told.

    After each scale it reports how many of them were tried.

    Raises
    ------
    Cancelled
        Between two tiles, when asked to stop.
    """
    # all of them load torch, and whoever only opens a project has no need of it
    from napari_graft.inference.predictor import Predictor
    from napari_graft.nets.device import choose_device
    from napari_graft.scorers.consistency import changes
    from napari_graft.scorers.scale import FACTORS, find_diameter
    from napari_graft.segmentation.decode import decode
    from napari_graft.session.models import model_of_source

    model = model_of_source(scout)
    own = model.spec.object_diameter
    assert own is not None
    predictor = Predictor(model.network, choose_device("auto"))

    def objects(image: NDArray[np.float32]) -> NDArray[np.uint32]:
        answer = predictor.predict_array(image, cancel)
        return decode(answer[0], answer[1:], model.spec.offsets, model.decode)

    def look(factor: float) -> Looks:
        # One message for all of it: whoever tells the time left begins anew with another.
        report(Progress(FACTORS.index(factor), len(FACTORS), f"{LOOKING}, at {len(FACTORS)} scales"))
        # one generator a scale: the same noise whatever was looked at before
        rng = np.random.default_rng(_SEED)
        for image in _tiles_at(ModelView(volume, intensity, model.spec, own / factor), rng):
            *_, noisy = changes(image, rng)
            yield objects(image), objects(noisy)

    return find_diameter(look, own)


def _tiles_at(view: ModelView, rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
    shape = view.volume.shape
    sides = [min(max(1, n), whole) for n, whole in zip(view.on_image((_SIDE, _SIDE)), shape, strict=True)]
    n_tiles = 1 if sides == list(shape) else _N_TILES
    for _ in range(n_tiles):
        start = (int(rng.integers(whole - side + 1)) for side, whole in zip(sides, shape, strict=True))
        tile = Tile(tuple(start), tuple(sides))
        if min(view.shape_on_model(tile)) >= _SMALLEST_SIDE:
            yield view.read(tile)


def _read(path: Path) -> _Found | None:
    try:
        return read_document(_Found, path, "diameter of objects")
    except InputError:  # not looked for before, damaged, or of another version of the program
        return None


def _write(path: Path, known: _Found) -> None:
    with atomic.storage_errors(path.parent):
        path.parent.mkdir(exist_ok=True)
    write_document(path, known)
