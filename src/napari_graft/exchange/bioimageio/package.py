"""A bioimage.io package on the disk, read where it lies, and its description, validated where it is used."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, ZipInfo

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io import atomic
from napari_graft.io.regular_files import read_regular
from napari_graft.io.untrusted import (
    MAX_YAML_BYTES,
    check_yaml,
    names_in_zip,
    open_zip,
    read_entry,
    refuse_paths,
    refuse_sizes,
)
from napari_graft.sources.archive import CARD, MEMBER_LIMITS, WEIGHTS

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import ModelDescr


DESCRIPTIONS = ("rdf.yaml", "rdf.yml", "bioimageio.yaml", "bioimageio.yml")
"""Names of descriptions, which may stand behind a prefix and a dot, as in ``my-model.bioimageio.yaml``."""
_MAX_BYTES = 2**32
_MAX_FILE_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Package:
    """Reader of an open package: nothing of it is unpacked onto the disk.

    Parameters
    ----------
    archive
        The open archive.
    entries
        Its files by their names below the folder in which the description lies.
    description
        Name of the description.
    title
        What errors call the package.
    """

    archive: ZipFile
    entries: Mapping[str, ZipInfo]
    description: str
    title: str

    def read(self, name: str, sha256: str | None = None) -> bytes:
        """Return a file of the package.

        Raises
        ------
        InputError
            If it is not in there, is too large, or has another checksum than the description says.
        """
        entry = self.entries.get(name.removeprefix("./"))
        if entry is None:
            raise InputError(
                f"the package refers to {name!r}, which is not in it: download the whole package"
            )
        limit = MAX_YAML_BYTES if name == self.description else _MAX_FILE_BYTES
        data = read_entry(self.archive, entry, limit, self.title)
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            raise InputError(
                f"{name!r} in the package does not match its checksum (sha256): get the package again"
            )
        return data


def is_description(name: str) -> bool:
    """Say whether a file name is that of a description, whatever is before its last dots."""
    lower = name.lower()
    return any(lower == known or lower.endswith(f".{known}") for known in DESCRIPTIONS)


def recognises(path: Path) -> bool:
    """Say whether a file is a zip archive with a description as bioimage.io has it, or such a description."""
    return _is_unpacked(path) or (path.is_file() and _find_description(names_in_zip(path)) is not None)


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """Open a package to read its files.

    Raises
    ------
    InputError
        If it is no archive, if a file that is read is damaged or larger than it may be, or if a path in it
        leads out.
    """
    title = f"package {str(path)!r}"
    with open_zip(_packed(path, title) if _is_unpacked(path) else path, title) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        refuse_paths([entry.filename for entry in entries], title)
        refuse_sizes(entries, title, _MAX_BYTES)
        description = _find_description([entry.filename for entry in entries])
        if description is None:
            raise InputError(f"{title} holds no description of bioimage.io: get it again")
        folder = PurePosixPath(description).parent
        inside = {
            str(PurePosixPath(entry.filename).relative_to(folder)): entry
            for entry in entries
            if PurePosixPath(entry.filename).is_relative_to(folder)
        }
        yield Package(archive, inside, PurePosixPath(description).name, title)


def take_own_source(package: Package, folder: Path) -> bool:
    """Write the files of a source of ours from a package into `folder`; return whether it has one.

    Our exporter attaches them: the source that comes back is the one that was exported, and can be trained.
    """
    if not all(name in package.entries for name in (CARD, WEIGHTS)):
        return False
    for name, limit in MEMBER_LIMITS.items():
        if name in package.entries:
            data = read_entry(package.archive, package.entries[name], limit, package.title)
            atomic.write_bytes(folder / name, data)
    return True


def _find_description(names: Sequence[str]) -> str | None:
    """Return the description that lies least deep; of several, the one that is named first in the list."""
    found = [name for name in names if is_description(PurePosixPath(name).name)]
    plain = {name: order for order, name in enumerate(DESCRIPTIONS)}

    def order(name: str) -> tuple[int, int, str]:
        path = PurePosixPath(name)
        return len(path.parts), plain.get(path.name, len(plain)), name

    return min(found, key=order, default=None)


def _packed(path: Path, title: str) -> bytes:
    """Return a description and the files that it speaks of as an archive, to be held to all that one is.

    Parameters
    ----------
    path
        The description, or the folder that holds it.
    """
    folder = path if path.is_dir() else path.parent
    names = [file.name for file in folder.iterdir()] if path.is_dir() else [path.name]
    name = _find_description(names) or path.name
    text = _read_beside(folder, name, MAX_YAML_BYTES, title)
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr(name, text)
        for mentioned in sorted(_files_in(text, folder) - {name}):
            archive.writestr(mentioned, _read_beside(folder, mentioned, _MAX_FILE_BYTES, title))
    return buffer.getvalue()


def _files_in(description: bytes, folder: Path) -> set[str]:
    """Return the files below a folder whose paths are words of a description; a link is no such file."""
    text = description.decode(errors="replace")
    values = [line.partition(":")[2] or line.lstrip(" -") for line in text.splitlines()]  # names with spaces
    words = {word.strip(" '\",[]{}").removeprefix("./") for word in (*text.split(), *values)}
    return {
        word
        for word in words
        if word
        and ".." not in word.split("/")
        and not word.startswith("/")
        and os.path.lexists(folder / word)
        and not (folder / word).is_dir()
    }


def _read_beside(folder: Path, name: str, limit: int, title: str) -> bytes:
    try:
        if any((folder / part).is_symlink() for part in PurePosixPath(name).parents if str(part) != "."):
            raise DamagedFileError(f"{name!r} lies behind a link")
        return read_regular(folder / name, limit=limit)
    except (OSError, DamagedFileError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{title} cannot be read ({reason}): get it again") from None


def _is_unpacked(path: Path) -> bool:
    if path.is_dir():
        has_description = any(is_description(file.name) and file.is_file() for file in path.iterdir())
        return has_description and not (path / CARD).exists()
    return path.is_file() and is_description(path.name)


_USED_WEIGHTS = ("torchscript", "pytorch_script")
"""By their name in the formats since 0.4, and before."""
_REASONS = {
    "pytorch_state_dict": "its weights are a pytorch_state_dict, whose network is built by Python code: that "
    "would run code of the package",
    "onnx": "its weights are ONNX, which napari-graft does not run",
    "keras_hdf5": "its weights are of Keras, which napari-graft does not run",
    "keras_v3": "its weights are of Keras, which napari-graft does not run",
    "tensorflow_js": "its weights are of TensorFlow, which napari-graft does not run",
    "tensorflow_saved_model_bundle": "its weights are of TensorFlow, which napari-graft does not run",
}


def load_model(package: Package) -> ModelDescr:
    """Return the model that the description in a package tells of, in the newest format.

    Published descriptions are often not valid in parts that do not matter here: weights of other programs, or
    a halo larger than the smallest window. These are left out first.

    Raises
    ------
    InputError
        If it is no model, has no TorchScript weights, or is not valid in what is left, or if bioimageio.core
        is not installed.
    """
    try:
        from bioimageio.spec import ValidationContext, build_description
        from bioimageio.spec.model.v0_5 import ModelDescr
    except ImportError:
        raise InputError(
            "bioimage.io packages of others need bioimageio.core: install it with pip install bioimageio.core"
        ) from None
    title = package.title
    text = package.read(package.description)
    check_yaml(text, f"the description in {title}")
    content: Any = _read(text, title)
    if not isinstance(content, dict):
        raise InputError(_not_valid(title, "it lists no fields"))
    _refuse_useless(content, title)
    # Nothing is downloaded: what the package refers to on the network is not needed here.
    context = ValidationContext(
        root=package.archive, file_name=package.description, perform_io_checks=False, log_warnings=False
    )
    try:
        found = build_description(_without_unused(content), context=context, format_version="latest")
    except Exception as error:
        # It converts old formats before it validates them, and fails in any way where a value is odd.
        raise InputError(_not_valid(title, " ".join(str(error).split())[:300])) from None
    if isinstance(found, ModelDescr):
        return found
    errors = found.validation_summary.errors
    where = ".".join(map(str, errors[0].loc)) if errors else ""
    reason = f"{where}: {errors[0].msg}" if errors else found.validation_summary.status
    raise InputError(_not_valid(title, " ".join(reason.split())[:300]))


def _read(text: bytes, title: str) -> Any:
    """Read YAML as bioimage.io does, which is of another version than ours: there is no ``on`` for true."""
    from bioimageio.spec.utils import read_yaml

    try:
        return read_yaml(text)
    except Exception as error:
        # Its reader raises what it likes where a date or a number is none.
        raise InputError(_not_valid(title, " ".join(str(error).split())[:300])) from None


def _not_valid(title: str, reason: str) -> str:
    return f"the description in {title} is not valid ({reason}): get it again, or tell its authors"


def _refuse_useless(content: dict[str, Any], title: str) -> None:
    """Refuse what cannot be used however valid it is, so that this is the reason that is given."""
    kind = content.get("type")
    if kind is None:
        raise InputError(
            f"{title} is of format {content.get('format_version', 'unknown')}, which does not say what it "
            "holds: formats before 0.3.2 cannot be read; look for a newer package of it"
        )
    if kind != "model":
        raise InputError(f"{title} holds a {kind} and no model: choose a model")
    weights = content.get("weights")
    if not isinstance(weights, dict) or any(name in weights for name in _USED_WEIGHTS):
        return
    reason = next((why for name, why in _REASONS.items() if name in weights), None)
    if reason is None and not weights:
        reason = "it has no weights"
    if reason is not None:
        raise InputError(f"{title} cannot be used: {reason}; ask for TorchScript")


def _without_unused(content: dict[str, Any]) -> dict[str, Any]:
    left: dict[str, Any] = {**content}
    weights = content.get("weights")
    used = {n: weights[n] for n in _USED_WEIGHTS if n in weights} if isinstance(weights, dict) else {}
    if used:
        left["weights"] = {name: _without(entry, "parent") for name, entry in used.items()}
    left["inputs"] = _each(content.get("inputs"), _without_scalar_axes)
    # Windows overlap and are blended however wide a halo is said to be.
    left["outputs"] = _each(content.get("outputs"), _without_halo)
    return left


def _without_halo(tensor: dict[str, Any]) -> dict[str, Any]:
    left: dict[str, Any] = _without(tensor, "halo")
    if isinstance(left.get("axes"), list):
        left["axes"] = _each(left["axes"], lambda axis: _without(axis, "halo"))
    return left


def _without_scalar_axes(tensor: dict[str, Any]) -> dict[str, Any]:
    # bioimageio.spec cannot convert the axes of one number for all to its newest format.
    steps = _each(tensor.get("preprocessing"), _without_axes)
    return tensor if steps is None else tensor | {"preprocessing": steps}


def _without_axes(step: dict[str, Any]) -> dict[str, Any]:
    kwargs = step.get("kwargs")
    if step.get("name") != "scale_linear" or not isinstance(kwargs, dict):
        return step
    if any(isinstance(kwargs.get(name), list) for name in ("gain", "offset")):
        return step
    return step | {"kwargs": _without(kwargs, "axes")}


def _each(entries: Any, change: Any) -> Any:
    """Return entries changed where they are what they should be; the rest is for the validation."""
    if not isinstance(entries, list):
        return entries
    return [change(entry) if isinstance(entry, dict) else entry for entry in entries]


def _without(entry: Any, name: str) -> Any:
    return {key: value for key, value in entry.items() if key != name} if isinstance(entry, dict) else entry
