"""A bioimage.io package on the disk: a zip archive that may come from anyone."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import yaml

from napari_graft.core.errors import InputError
from napari_graft.io import atomic
from napari_graft.sources.archive import CARD, MEMBER_LIMITS, WEIGHTS
from napari_graft.sources.torchscript import refuse_paths, refuse_sizes

DESCRIPTIONS = ("rdf.yaml", "rdf.yml", "bioimageio.yaml", "bioimageio.yml")
_MAX_BYTES = 2**32
_MAX_DESCRIPTION_BYTES = 2**20
_MAX_NODES = 100_000


def recognises(path: Path) -> bool:
    """Say whether a file is a zip archive with a description as bioimage.io has it, or such a description."""
    if _is_unpacked(path):
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return not set(DESCRIPTIONS).isdisjoint(archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def unpack(path: Path, folder: Path) -> Path:
    """Unpack a package that was looked through before, and return the path of its description.

    Raises
    ------
    InputError
        If it is no archive, if a file in it is damaged, has a path that leads out, or is larger than it may
        be, or if its description is too large.
    StorageError
        If the disk is full.
    """
    title = f"package {str(path)!r}"
    if _is_unpacked(path):
        raise InputError(
            f"{str(path)!r} is a description or an unpacked package of bioimage.io: bring the whole package, "
            "as one .zip"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check(entries, title)
            for entry in entries:
                target = folder / entry.filename
                with atomic.storage_errors(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(entry) as source, target.open("wb") as file:
                        while chunk := source.read(2**20):
                            file.write(chunk)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, zipfile.error) as error:
        raise InputError(f"{title} is truncated or damaged ({error}): get it again") from None
    description = next(folder / name for name in DESCRIPTIONS if (folder / name).is_file())
    _refuse_immense(description, title)
    return description


def take_own_source(package: Path, folder: Path) -> bool:
    """Move the files of a source of ours from an unpacked package into `folder`; return whether it has one.

    Our exporter attaches them: the source that comes back is the one that was exported, and can be trained.
    """
    if not all((package / name).is_file() for name in (CARD, WEIGHTS)):
        return False
    for name in MEMBER_LIMITS:
        if (package / name).is_file():
            (package / name).replace(folder / name)
    return True


def read_checked(package: Path, name: str, sha256: str | None) -> bytes:
    """Return a file of an unpacked package.

    Raises
    ------
    InputError
        If it is not in there, or has another checksum than the description says.
    """
    file = (package / name).resolve()
    if not file.is_relative_to(package.resolve()) or not file.is_file():
        raise InputError(f"the package refers to {name!r}, which is not in it: download the whole package")
    data = file.read_bytes()
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(
            f"{name!r} in the package does not match its checksum (sha256): get the package again"
        )
    return data


def _is_unpacked(path: Path) -> bool:
    if path.is_file():
        return path.name in DESCRIPTIONS
    return any((path / name).is_file() for name in DESCRIPTIONS) and not (path / CARD).exists()


def _check(entries: list[zipfile.ZipInfo], title: str) -> None:
    refuse_paths([entry.filename for entry in entries], title)
    refuse_sizes(entries, title, _MAX_BYTES)
    for entry in entries:
        if entry.filename in DESCRIPTIONS and entry.file_size > _MAX_DESCRIPTION_BYTES:
            raise InputError(f"the description in {title} has {entry.file_size} bytes: not opened")


def _refuse_immense(description: Path, title: str) -> None:
    """Refuse YAML that is none, or that becomes immense where it refers to parts of itself (by aliases).

    What is counted is what a document would hold if it was written out: a few lines can say a billion.
    """
    try:
        root = yaml.compose(description.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        size = 0 if root is None else _written_out(root, {})
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the description in {title} is no YAML ({reason}): get it again") from None
    if size > _MAX_NODES:
        raise InputError(
            f"the description in {title} refers to parts of itself (YAML aliases) until it has more than "
            f"{_MAX_NODES} entries: not opened"
        )


def _written_out(node: yaml.Node, known: dict[int, int]) -> int:
    """Return the number of entries below a node; `known` holds those that were counted, by identity."""
    if id(node) not in known:
        known[id(node)] = _MAX_NODES + 1  # what a node that holds itself would come to
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        flat = [part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))]
        known[id(node)] = 1 + sum(_written_out(part, known) for part in flat)
    return known[id(node)]
