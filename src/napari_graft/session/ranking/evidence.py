"""Evidence on sources: what they show on a project's image and tiles, measured once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.strings import checksum_of
from napari_graft.fingerprints.distance import Distance
from napari_graft.fingerprints.fingerprint import common_encoder
from napari_graft.imaging.resample import resample_image
from napari_graft.inference.features import FEATURE_TILE, tile_features
from napari_graft.io import atomic
from napari_graft.io.documents import Document, read_document, write_document
from napari_graft.io.integrity import image_stamp
from napari_graft.project.opening import program_versions
from napari_graft.project.project import Project
from napari_graft.scorers.best_view import nearest_view
from napari_graft.scorers.domain_shift import diagnose_domain_shift
from napari_graft.scorers.order import Evidence
from napari_graft.scorers.polarity import contrast
from napari_graft.scorers.registry import SCORERS, read_all
from napari_graft.scorers.scoring_context import ComputeContext, Images, ScoringContext
from napari_graft.session.models import model_of_source
from napari_graft.session.projects.project_image import intensity_of, random_tiles, view_of
from napari_graft.session.training.fitting import make_examples
from napari_graft.sources import archive
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import NetworkSpec, in_plane
from napari_graft.sources.source import Source, invert_source, read_source_file
from napari_graft.training.examples import Example

if TYPE_CHECKING:
    from napari_graft.nets.residual_unet import ResidualUNet


class Measurer:
    """Measures the evidence on sources, and keeps it in the project; see `MeasurementCache`.

    Several threads may ask, each for a source of its own.

    Parameters
    ----------
    project
        Its image and its annotated tiles are looked at.
    scorers
        Names in `SCORERS`.
    compute
        Where the networks run.
    """

    def __init__(self, project: Project, scorers: Sequence[str], compute: ComputeContext) -> None:
        self._target = project_target(project, compute)
        self._compute = compute
        self._on_tiles = [name for name in scorers if SCORERS[name].reads_labels]
        self._on_image = [name for name in scorers if not SCORERS[name].reads_labels]
        self._contexts: dict[str, ScoringContext] = {}
        self._cache = measurement_cache_of(
            project, encoder=self._target.encoder_sha256, device=compute.device.type
        )

    @property
    def failure(self) -> StorageError | None:
        """Why something will be measured again next time, None where all is remembered."""
        return self._cache.failure

    def best_view(self, source: Source) -> Source:
        """Return a source, or that source shown the negative of the image.

        The negative is taken where it is clearly nearer to the source's training images, and what the source
        finds in it is no less consistent; see `nearest_view`.

        Raises
        ------
        InputError
            If its files are damaged.
        Cancelled
            When asked to stop.
        """

        def z(view: Source) -> float | None:
            distance = self._distance(view)
            return None if distance is None else distance.z

        return nearest_view([source, invert_source(source)], z, self._consistency)

    def evidence(self, source: Source) -> Evidence:
        """Return what is to be known of a source before the best are looked into.

        Raises
        ------
        InputError
            If its files are damaged.
        Cancelled
            When asked to stop.
        """
        on_image = self._on_the_image(source)
        on_tiles = self._cache.remember(source, "tiles", self._on_tiles, lambda: self._measure_tiles(source))
        return replace(on_image, readings={**on_image.readings, **on_tiles.readings})

    def diagnose(self, source: Source, evidence: Evidence) -> Evidence:
        """Look for a domain shift between the image and a source."""
        found = self._cache.remember(source, "scale", (), lambda: self._measure_scale(source))
        return replace(evidence, remedy=found.remedy)

    def _measure_image(self, source: Source) -> Evidence:
        context = self._context(source)
        readings = read_all(context, self._on_image)
        seen = contrast(context) if "consistency" in readings else None
        return Evidence(source.card.structure, context.distance, readings, contrast=seen)

    def _consistency(self, source: Source) -> float:
        """Return the consistency of a source, 1 where nobody asks for that."""
        return self._on_the_image(source).readings.get("consistency", 1.0)

    def _on_the_image(self, source: Source) -> Evidence:
        return self._cache.remember(source, "image", self._on_image, lambda: self._measure_image(source))

    def _distance(self, source: Source) -> Distance | None:
        def measure() -> Evidence:
            return Evidence(source.card.structure, self._context(source).distance)

        return self._cache.remember(source, "distance", (), measure).distance

    def _measure_tiles(self, source: Source) -> Evidence:
        return Evidence(source.card.structure, None, read_all(self._context(source), self._on_tiles))

    def _measure_scale(self, source: Source) -> Evidence:
        return Evidence(source.card.structure, None, remedy=diagnose_domain_shift(self._context(source)))

    def _context(self, source: Source) -> ScoringContext:
        """Load a source once, and only where something is left to measure."""
        if source.id not in self._contexts:
            model = model_of_source(source)
            self._contexts[source.id] = ScoringContext(
                source, model.network, model.decode, self._target, self._compute
            )
        return self._contexts[source.id]


Part = Literal["distance", "image", "scale", "tiles"]
"""How far the image is, what it alone shows, whether scale or noise explains it, what tiles show."""

FOLDER = Path("cache", "measured")
_METHOD = 7
"""To be raised when the same source, image and tiles would give other numbers."""
_OF_IMAGE = {"shape", "axes", "declared_axes", "channel", "pixel_size", "unit", "inverted", "object_diameter"}


class _Kept(Document):
    key: str
    evidence: Evidence


@dataclass(slots=True)
class MeasurementCache:
    """Cache of the evidence: each part is measured once, until something that it depends on has changed.

    There is one file for each source and part, and all of them can be removed without harm. Several threads
    may ask, each for a source of its own.

    Parameters
    ----------
    folder
        Where the files are; it is made when the first is written.
    image
        Checksum of what a measurement on the image depends on beside the source.
    tiles
        Checksum of the annotation and of what is wanted, by which objects on tiles are judged.
    failure
        Why something could not be kept, None where all was.
    """

    folder: Path
    image: str
    tiles: str
    failure: StorageError | None = None
    _sources: dict[str, str] = field(default_factory=dict)

    def remember(
        self, source: Source, part: Part, question: Sequence[str], measure: Callable[[], Evidence]
    ) -> Evidence:
        """Return a part of the evidence on a source: what is known of it, or else what is measured now.

        Parameters
        ----------
        question
            What is measured, such as the names of scorers.
        measure
            Measures it.
        """
        if source.id not in self._sources:
            self._sources[source.id] = source_checksum(source)
        depends = [self.image, self._sources[source.id], part, *question]
        key = checksum_of([*depends, self.tiles] if part == "tiles" else depends)
        path = self.folder / f"{source.id}-{part}.json"
        known = _read(path)
        if known is not None and known.key == key:
            return known.evidence
        found = measure()
        self._keep(path, _Kept(key=key, evidence=found))
        return found

    def _keep(self, path: Path, kept: _Kept) -> None:
        try:
            with atomic.storage_errors(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
            write_document(path, kept)
        except StorageError as error:  # a ranking that is not remembered is one all the same
            self.failure = error


def measurement_cache_of(project: Project, *, encoder: str | None, device: str) -> MeasurementCache:
    """Return what a project remembers of measurements with one common encoder, on one kind of device.

    Parameters
    ----------
    encoder
        Checksum of the weights of the encoder that all sources share, None without one.
    device
        ``"cpu"`` or ``"cuda"``: they round differently.
    """
    intensity, signature = intensity_of(project), project.image_signature()
    image = [
        _METHOD,
        program_versions(),
        None if signature is None else signature.model_dump(),
        # The signature of a zarr folder knows nothing of its pixels, and that of a large file only some.
        image_stamp(project.image.path),
        project.manifest.model_dump(mode="json", include=_OF_IMAGE),
        [intensity.low, intensity.high],
        encoder,
        device,
    ]
    tiles = [project.annotations.checksum(), project.manifest.structure]
    return MeasurementCache(project.folder / FOLDER, checksum_of(image), checksum_of(tiles))


def source_checksum(source: Source) -> str:
    """Return that of all that measurements depend on; the card of a source holds that of its weights."""
    fingerprints = (read_source_file(source.path, name) for name in (archive.FINGERPRINT, archive.GENERAL))
    checksums = [None if data is None else hashlib.sha256(data).hexdigest() for data in fingerprints]
    return checksum_of([source.card.model_dump(mode="json"), checksums])


def _read(path: Path) -> _Kept | None:
    try:
        return read_document(_Kept, path, "measurement")
    except InputError:  # not measured before, damaged, or of another version of the program
        return None


N_TILES = {2: 32, 3: 16}
"""Of 3-D tiles fewer: each holds as many pixels as four 2-D ones."""
_SEED = 0

_Scale = tuple[int, tuple[float, ...] | None, float | None, float | None, bool, str | None, float, float]


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
        spec.stain,
        spec.zoom,
        zoom,
    )


def _zoomed(image: NDArray[np.float32], zoom: float) -> NDArray[np.float32]:
    if zoom == 1:
        return image
    shape = tuple(max(1, round(length * zoom)) for length in image.shape)
    return np.ascontiguousarray(resample_image(image, shape))
