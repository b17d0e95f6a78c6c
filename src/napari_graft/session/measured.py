"""What was measured of sources before, kept in a project, so that only what has changed is measured again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from napari_graft.core.checksum import checksum_of
from napari_graft.core.errors import InputError, StorageError
from napari_graft.io import atomic
from napari_graft.io.image_files import image_stamp
from napari_graft.project.opening import program_versions
from napari_graft.project.project import Project
from napari_graft.scorers.order import Evidence
from napari_graft.session.views import intensity_of
from napari_graft.sources import archive
from napari_graft.sources.document import Document, read_document, write_document
from napari_graft.sources.source import Source, read_source_file

Part = Literal["distance", "image", "scale", "tiles"]
"""How far the image is, what it alone shows, whether scale or noise explains it, what tiles show."""

FOLDER = Path("cache", "measured")
_METHOD = 4
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
