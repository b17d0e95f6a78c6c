"""Pretrained models to start from, their inverted views, and which images they were trained on."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io.documents import parse_document
from napari_graft.io.regular_files import read_regular, split_location
from napari_graft.io.weights import parse_tensors
from napari_graft.sources import archive
from napari_graft.sources.card import SourceCard
from napari_graft.sources.fingerprint import Fingerprint

Origin = Literal["built-in", "repository", "user", "file", "plugin"]


@dataclass(frozen=True, slots=True)
class Source:
    """Source: a card, with the weights and fingerprint loaded when they are needed.

    Parameters
    ----------
    card
        What the source is.
    path
        A folder with ``card.json`` and ``weights.safetensors``, an exported file, or a ``.safetensors`` file
        with a ``card.json`` beside it.
    origin
        Where it was found.
    """

    card: SourceCard
    path: Path
    origin: Origin

    @property
    def id(self) -> str:
        """Short name of the source."""
        return self.card.id

    def read_files(self) -> dict[str, bytes]:
        """Return the source's files by their names in an archive.

        Raises
        ------
        InputError
            If the weights are missing or are not those of the card.
        """
        found = {name: read_source_file(self.path, name) for name in archive.MEMBER_LIMITS}
        files = {name: data for name, data in found.items() if data is not None}
        if archive.WEIGHTS not in files:
            raise _missing_weights(self)
        digest = hashlib.sha256(files[archive.WEIGHTS]).hexdigest()
        if digest != self.card.weights_sha256:
            raise InputError(
                f"weights of source {self.id!r} in {str(self.path)!r} do not match the checksum of its card: "
                "they are damaged or of another source; get them again"
            )
        return files

    def load_weights(self) -> dict[str, NDArray[Any]]:
        """Return the weights by name, half precision widened to float32.

        Raises
        ------
        InputError
            If the file is damaged, or is not the one whose checksum the card holds.
        """
        tensors = _load_tensors(self.path, archive.WEIGHTS, self.read_files()[archive.WEIGHTS])
        return {k: v.astype(np.float32) if v.dtype == np.float16 else v for k, v in tensors.items()}

    def load_fingerprint(self) -> Fingerprint | None:
        """Return what the source remembers of its training images, None where it has no fingerprint.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        return self._load_fingerprint(archive.FINGERPRINT)

    def load_general_fingerprint(self) -> Fingerprint | None:
        """Return what it remembers of them as the common ancestor sees them, None where that was not stored.

        Such fingerprints of two sources can be compared with one another.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        return self._load_fingerprint(archive.GENERAL)

    def _load_fingerprint(self, name: str) -> Fingerprint | None:
        data = read_source_file(self.path, name)
        if data is None:
            return None
        tensors = _load_tensors(self.path, name, data)
        try:
            return Fingerprint.from_tensors(tensors)
        except InputError as error:
            raise InputError(f"source {self.id!r}: {error}") from None


def open_source(path: Path, origin: Origin) -> Source:
    """Open the source in a folder, an exported file, or a ``.safetensors`` file with its card beside it.

    Raises
    ------
    InputError
        If there is no source, or a file of it is missing, damaged or of a newer format.
    """
    text = read_source_file(path, archive.CARD)
    if text is None:
        raise InputError(f"{str(path)!r} holds no source: {archive.CARD} is missing there")
    source = Source(parse_document(SourceCard, text, f"card of source {str(path)!r}"), path, origin)
    if os.path.isdir(path) and not (path / archive.WEIGHTS).is_file():
        raise _missing_weights(source)
    return source


def read_source_file(path: Path, name: str) -> bytes | None:
    """Return one file of the source at `path`, None where it has none of that name.

    Raises
    ------
    InputError
        If it cannot be read or is too large.
    """
    if os.path.isdir(path):  # Path's own raises where a name is too long
        return _read_limited(path / name, archive.MEMBER_LIMITS[name])
    if path.suffix == ".safetensors":
        file = path if name == archive.WEIGHTS else path.with_name(name)
        return _read_limited(file, archive.MEMBER_LIMITS[name])
    return archive.read_member(path, name)


def export_source(source: Source, out: Path) -> None:
    """Write a source with its weights and fingerprint into one file.

    Raises
    ------
    InputError
        If its files are damaged.
    StorageError
        If the disk is full.
    """
    archive.write_archive(out, source.read_files())


def _missing_weights(source: Source) -> InputError:
    return InputError(
        f"weights of source {source.id!r} are missing from {str(source.path)!r}: add the source again"
    )


def _read_limited(path: Path, limit: int) -> bytes | None:
    try:
        # Links are followed: users and package managers keep sources where they like.
        return read_regular(path, limit=limit, follow_links=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"source file {str(path)!r} cannot be read: {error.strerror or error}") from None
    except DamagedFileError as error:
        raise DamagedFileError(f"source file {error}: not read") from None


def _load_tensors(path: Path, name: str, data: bytes) -> dict[str, NDArray[np.generic]]:
    # From these bytes and not from the file: what was checked is what is loaded, also from inside an archive.
    try:
        return parse_tensors(data, name)
    except DamagedFileError as error:
        raise DamagedFileError(f"source {str(path)!r}: {error}") from None


MARK = "@inverted"
"""Ends the reference of a source that is shown the negative of an image, as in ``nuclei-u2os@inverted``."""


def invert_source(source: Source) -> Source:
    """Return the same source, which from now on sees the negative of an image.

    Its weights, its fingerprint and all else on its card stay. Training goes on from it in that view, as the
    specification of a network says how an image is brought to it.
    """
    card = source.card
    spec = card.spec.model_copy(update={"inverted": not card.spec.inverted})
    seen = {"id": card.id + MARK, "title": f"inverted · {card.title}", "spec": spec}
    return replace(source, card=card.model_copy(update=seen))


def id_without_view(reference: str) -> str:
    """Return the id of the source that a reference names, whichever view of it.

    >>> id_without_view("nuclei-u2os@inverted"), id_without_view("nuclei-u2os")
    ('nuclei-u2os', 'nuclei-u2os')
    """
    return reference.removesuffix(MARK)


LARGEST_FILE = 2**31
"""Bytes of the largest image file that is read to know it: a ranking must not wait for a disk."""


def trained_on(source: Source, image: str | Path) -> bool:
    """Say whether a source was trained on an image, or on a data set that the image belongs to.

    An image belongs to a data set when the file or a folder on its path bears the name of the set; data sets
    that the card names as related count as well. So does a copy of one of its training images, up to
    `LARGEST_FILE`. A ``::/dataset`` after the file's name is left aside.

    Parameters
    ----------
    source
        The source; only its card is read.
    image
        Path of the image.
    """
    path = _file_of(image)
    record = source.card.training
    if {*record.datasets, *record.related_datasets}.intersection((*path.parts, path.stem)):
        return True
    return bool(record.image_sha256s) and checksum_of(image) in record.image_sha256s


def checksum_of(image: str | Path) -> str | None:
    """Return the SHA-256 of an image file, None for a folder and for a file above `LARGEST_FILE`.

    Parameters
    ----------
    image
        Path of the image; a ``::/dataset`` after the file's name is left aside.
    """
    path = _file_of(image)
    if not path.is_file():
        return None
    state = path.stat()
    return _checksum(path, state.st_size, state.st_mtime_ns) if state.st_size <= LARGEST_FILE else None


def _file_of(image: str | Path) -> Path:
    return Path(split_location(str(image))[0]).expanduser().resolve()


@lru_cache(maxsize=16)  # each source asks for the same image
def _checksum(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
