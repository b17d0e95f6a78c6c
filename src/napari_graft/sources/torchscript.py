"""What a TorchScript file may hold: it is read as a zip archive, and written anew from what was checked.

torch opens an archive with a reader of its own, which may find other files in it than Python does. So torch
never sees the file that came: it is given an archive that holds what was read and checked here, and no more.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from napari_graft.core.errors import InputError
from napari_graft.io.untrusted import open_zip, read_entry, refuse_paths, refuse_sizes
from napari_graft.sources.torchscript_code import read_definitions, rewrite_code
from napari_graft.sources.torchscript_pickle import check_pickle

TENSOR = "torchscript"
"""Name under which a source's weights hold the bytes of the file."""
CARD_IN_ARCHIVE = "card.json"
"""Extra file of the archive in which our exporter puts the card."""

MAX_BYTES = 2**30
_MAX_CODE_BYTES = 2**22
_MAX_PICKLE_BYTES = 2**25
_FOLDER = "program"
_CODE = re.compile(r"code/[A-Za-z0-9_/]+\.py")
_TENSORS = re.compile(r"(data|constants)/[0-9]{1,9}")
_DATES = (1980, 1, 1, 0, 0, 0)


def check_torchscript(data: bytes, title: str) -> bytes:
    """Return a TorchScript file written anew from what was checked; the same program gives the same bytes.

    PyTorch's security policy asks for the trust that any program of its author would need. It is no Python,
    but it has operators that read and write files. So its code is held to the grammar that torch writes and
    to the operators that networks need, nothing in it may run while it is loaded, and no tensor may reach
    beyond its numbers. What a network does not need to run (debugging records, extra files, bytecode) is left
    behind.

    Raises
    ------
    InputError
        If `data` is no whole TorchScript archive, or holds what is not needed; `title` names it.
    """
    with open_zip(data, title) as archive:
        entries = _needed_entries(archive.infolist(), title)
        # Reading finds what was cut off or changed.
        files = {name: read_entry(archive, entry, MAX_BYTES, title) for name, entry in entries.items()}
        broken = archive.testzip()
    if broken is not None:
        raise InputError(f"{title} is damaged in {broken!r}: get it again")
    texts = {name: _text(data, title) for name, data in files.items() if name.endswith(".py")}
    defined = read_definitions({name.removeprefix("code/"): text for name, text in texts.items()}, title)
    code = {name: rewrite_code(text, defined, title).encode() for name, text in texts.items()}
    _check_facts(files, title)
    for part in ("data", "constants"):
        sizes = {
            name.removeprefix(f"{part}/"): len(files[name]) for name in files if name.startswith(f"{part}/")
        }
        pickle = files[f"{part}.pkl"]
        if len(pickle) > _MAX_PICKLE_BYTES:
            raise InputError(f"{part}.pkl in {title} has {len(pickle)} bytes: not opened")
        check_pickle(pickle, defined.classes, sizes, f"{part}.pkl in {title}")
    return _write(files | code)


def read_extra(data: bytes, name: str) -> bytes | None:
    """Return an extra file of a TorchScript archive that was checked, None where it has none of that name."""
    with open_zip(data, "the TorchScript file") as archive:
        for entry in archive.infolist():
            if PurePosixPath(entry.filename).parts[1:] == ("extra", name):
                return read_entry(archive, entry, _MAX_PICKLE_BYTES, "the TorchScript file")
    return None


def is_torchscript(names: Iterable[str]) -> bool:
    """Say whether the files of a zip archive are those of TorchScript, not of a pickled checkpoint."""
    inner = {PurePosixPath(name).parts[1:] for name in names}
    has_code = any(len(parts) > 1 and parts[0] == "code" and parts[-1].endswith(".py") for parts in inner)
    return ("constants.pkl",) in inner and ("data.pkl",) in inner and has_code


def _needed_entries(entries: list[zipfile.ZipInfo], title: str) -> Mapping[str, zipfile.ZipInfo]:
    """Return the entries that torch needs, by their names below the one folder of the archive."""
    names = [entry.filename for entry in entries]
    if not is_torchscript(names):
        raise InputError(
            f"{title} is no TorchScript file: save the network with torch.jit.save, as pickled checkpoints "
            "can run code and are never loaded"
        )
    refuse_paths(names, title)
    if len({PurePosixPath(name).parts[0] for name in names}) != 1:
        raise InputError(f"{title} holds more than one program: save the network alone")
    refuse_sizes(entries, title, MAX_BYTES)
    inner = {"/".join(PurePosixPath(entry.filename).parts[1:]): entry for entry in entries}
    if len(inner) != len(entries):
        raise InputError(f"{title} holds a file twice: not opened")
    known = ("data.pkl", "constants.pkl", "version", "byteorder")
    needed = {
        name: entry
        for name, entry in sorted(inner.items())
        if name in known or _TENSORS.fullmatch(name) or name.endswith(".py")
    }
    size = 0
    for name, entry in needed.items():
        if name.endswith(".py"):
            size += entry.file_size
            if _CODE.fullmatch(name) is None:
                raise InputError(f"{title} holds code in {name!r}, which torch does not write: not opened")
    if size > _MAX_CODE_BYTES:
        raise InputError(
            f"{title} holds {size} bytes of code where {_MAX_CODE_BYTES} are allowed: not opened"
        )
    return needed


def _check_facts(files: Mapping[str, bytes], title: str) -> None:
    if files.get("byteorder", b"little").strip() != b"little":
        raise InputError(f"{title} was saved on a big-endian computer, whose numbers cannot be read here")
    if re.fullmatch(rb"[0-9]{1,3}\s*", files.get("version", b"")) is None:
        raise InputError(f"{title} does not say of which version it is: save the network with torch.jit.save")


def _text(code: bytes, title: str) -> str:
    try:
        return code.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"the program in {title} is no text: it is damaged, get it again") from None


def _write(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{_FOLDER}/{name}", _DATES)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()
