"""How wide the wanted objects of a project's image are: said by the user, or found by a source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.checksum import checksum_of
from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.progress import CancelToken
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
_N_TILES = 4
_SIDE = 224
_SMALLEST_SIDE = 32
"""Of a tile in pixels of the source: in less hardly an object is seen whole."""
_SEED = 0


class _Found(Document):
    key: str
    pixels: float | None


def object_diameter(
    project: Project, spec: NetworkSpec, intensity: IntensityRange, cancel: CancelToken
) -> float | None:
    """Return the diameter of the wanted objects in pixels of the image; None where it is not needed or known.

    What the user said counts, then what a round was trained with. Where the pixel sizes of image and model
    are known, nothing is looked for; else the source that knows the most sets of the wanted structure is
    tried at many scales (`find_diameter`), once.
    """
    if spec.object_diameter is None:
        return None
    said = project.manifest.object_diameter
    if said is not None:
        return said
    if spec.pixel_size is not None and project.volume.axes.pixel_size is not None:
        return None
    trained = [run.record.object_diameter for run in project.runs.all() if run.record.object_diameter]
    return trained[0] if trained else _remembered(project, intensity, cancel)


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


def _remembered(project: Project, intensity: IntensityRange, cancel: CancelToken) -> float | None:
    manifest = project.manifest
    scout = choose_scout(Catalogue().sources(), manifest.structure, project.image.path)
    if scout is None:
        return None
    seen = manifest.model_dump(mode="json", include=_SEEN)
    key = checksum_of([_METHOD, seen, intensity.low, intensity.high, scout.card.weights_sha256])
    path = project.folder / FILE
    known = _read(path)
    if known is None or known.key != key:
        found = look_for_diameter(project.volume, intensity, scout, cancel)
        known = _Found(key=key, pixels=None if found is None else found.pixels)
        with suppress(StorageError):  # it is only looked for again
            _write(path, known)
    return known.pixels


def look_for_diameter(
    volume: Volume, intensity: IntensityRange, scout: Source, cancel: CancelToken
) -> FoundDiameter | None:
    """Return how wide the objects are that a source finds in an image, None where that cannot be told.

    Raises
    ------
    Cancelled
        Between two tiles, when asked to stop.
    """
    # all of them load torch, and whoever only opens a project has no need of it
    from napari_graft.inference.predictor import Predictor
    from napari_graft.nets.device import choose_device
    from napari_graft.scorers.consistency import changes
    from napari_graft.scorers.scale import find_diameter
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
