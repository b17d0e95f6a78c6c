"""A source as one file: an uncompressed zip of its card, weights and fingerprint."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.io import atomic
from napari_graft.io.untrusted import names_in_zip, open_zip, read_entry

SUFFIX = ".graftsource"
CARD, WEIGHTS = "card.json", "weights.safetensors"
FINGERPRINT, GENERAL = "fingerprint.safetensors", "general.safetensors"
"""Fingerprints in the source's own encoder, and in the one that all sources share."""
MEMBER_LIMITS = {CARD: 2**20, WEIGHTS: 2**30, FINGERPRINT: 2**28, GENERAL: 2**28}
"""The files that an archive may hold, and how many bytes of each."""

_TORCH = ("data.pkl", "constants.pkl")
_BIOIMAGEIO = ("rdf.yaml", "rdf.yml", "bioimageio.yaml", "bioimageio.yml")


def write_archive(path: Path, members: Mapping[str, bytes]) -> None:
    """Write the files of a source into one file; equal files give an equal archive, byte for byte.

    Raises
    ------
    InputError
        If the card or the weights are missing, or a file is too large or unknown.
    StorageError
        If the disk is full; what was at `path` stays.
    """
    _check_sizes({name: len(data) for name, data in members.items()}, path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in MEMBER_LIMITS:
            if name in members:
                archive.writestr(_entry(name), members[name])
    atomic.write_bytes(path, buffer.getvalue())


def read_member(path: Path, name: str) -> bytes | None:
    """Return one file of an archive, checked against its checksum, or None where it is not in there.

    Nothing is unpacked onto the disk, and nothing but the known files is read.

    Raises
    ------
    InputError
        If the archive is missing, damaged, or not one that `write_archive` writes.
    """
    title = f"source file {str(path)!r}"
    with open_zip(path, title, fault="is damaged or no exported source") as archive:
        entries = _check_entries(archive.infolist(), path)
        return read_entry(archive, entries[name], MEMBER_LIMITS[name], title) if name in entries else None


def refuse_foreign_format(path: Path) -> None:
    """Raise an `InputError` that says what to bring instead of a model file in another format.

    Only the names inside the file are looked at: code in it is never loaded.
    """
    names = {Path(name).name for name in names_in_zip(path)}
    what = "a file of unknown format"
    if any(name.endswith(_BIOIMAGEIO) for name in names):
        what = "a bioimage.io package that cannot be read"
    elif names.intersection(_TORCH) or path.suffix in {".pt", ".pth", ".ckpt", ".pkl"}:
        what = "a torch checkpoint, which can hold pickled code and is never loaded, or a truncated file"
    elif path.suffix == ".onnx":
        what = "an ONNX file, which napari-graft does not run"
    raise InputError(
        f"{str(path)!r} is {what}: bring a {SUFFIX} file from 'napari-graft sources export', a bioimage.io "
        f"package (.zip), or weights as .safetensors or TorchScript with their {CARD} beside them"
    )


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    return entry


def _check_entries(entries: list[zipfile.ZipInfo], path: Path) -> dict[str, zipfile.ZipInfo]:
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
        raise InputError(
            f"source file {str(path)!r} is compressed or encrypted: bring the file as it was exported"
        )
    by_name = {entry.filename: entry for entry in entries}
    if len(by_name) != len(entries):
        raise InputError(f"source file {str(path)!r} holds a file twice: export the source again")
    _check_sizes({entry.filename: entry.file_size for entry in entries}, path)
    return by_name


def _check_sizes(sizes: Mapping[str, int], path: Path) -> None:
    for name, size in sizes.items():
        if name not in MEMBER_LIMITS:
            raise InputError(
                f"source file {str(path)!r} holds {name!r} and is no exported source: "
                "export it again, or bring it in with 'napari-graft sources add'"
            )
        if size > MEMBER_LIMITS[name]:
            raise InputError(
                f"{name} of source file {str(path)!r} has {size} bytes where {MEMBER_LIMITS[name]} are "
                "allowed: export a smaller source"
            )
    for name in (CARD, WEIGHTS):
        if name not in sizes:
            raise InputError(f"source file {str(path)!r} lacks {name}: export the source again")
