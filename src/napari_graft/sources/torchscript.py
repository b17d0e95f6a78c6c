"""What a TorchScript file may hold; it is looked at here as a zip archive, and never loaded."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import PurePosixPath

from napari_graft.core.errors import InputError

TENSOR = "torchscript"
"""Name under which a source's weights hold the bytes of the file."""
CARD_IN_ARCHIVE = "card.json"
"""Extra file of the archive in which our exporter puts the card."""

MAX_BYTES = 2**30
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAX_ENTRIES = 20_000
_MAX_CODE_BYTES = 2**24
# The two operators of TorchScript that name a file, `__setstate__`, which runs while the file is loaded, and
# classes and operators of C++ libraries. All else in the language computes.
_FORBIDDEN = re.compile(r"\b(save|from_file|__setstate__|torch\s*\.\s*classes)\b|__torch__\.torch\.classes")
_OPERATORS = re.compile(r"\bops\s*\.\s*(\w+)")
_KNOWN_OPERATORS = frozenset({"aten", "prim", "prims"})


def check_torchscript(data: bytes, title: str) -> None:
    """Look through a TorchScript file for all that a finished network does not need.

    PyTorch's security policy asks for the trust that any program of its author would need. It is no Python,
    but it has an operator that writes a file and one that maps one into memory. Programs with these, with
    code that runs while they are loaded, or with operators of other libraries are refused. That narrows what
    a hostile one can do and is no sandbox.

    Raises
    ------
    InputError
        If `data` is no whole TorchScript archive, or holds what is not needed; `title` names it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_entries(archive.infolist(), title)
            for entry in archive.infolist():
                if _is_code(entry.filename):
                    _check_code(archive.read(entry).decode("utf-8", "replace"), title)
            # Reading it all finds what was cut off or changed.
            broken = archive.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise InputError(f"{title} is truncated or damaged ({error}): get it again") from None
    if broken is not None:
        raise InputError(f"{title} is damaged in {broken!r}: get it again")


def read_extra(data: bytes, name: str) -> bytes | None:
    """Return an extra file of a TorchScript archive that was checked, None where it has none of that name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            if PurePosixPath(entry.filename).parts[1:] == ("extra", name):
                return archive.read(entry)
    return None


def is_torchscript(names: list[str]) -> bool:
    """Say whether the files of a zip archive are those of TorchScript, not of a pickled checkpoint."""
    inner = {PurePosixPath(name).parts[1:] for name in names}
    return ("constants.pkl",) in inner and ("data.pkl",) in inner and any(map(_is_code, names))


def _check_entries(entries: list[zipfile.ZipInfo], title: str) -> None:
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


def refuse_paths(names: list[str], title: str) -> None:
    """Raise an `InputError` where a name in an archive leads out of it, or stands there twice."""
    for name in names:
        if name.startswith("/") or "\\" in name or ":" in name or ".." in PurePosixPath(name).parts:
            raise InputError(f"{title} holds a file {name!r} whose path leads out of it: not opened")
    if len(set(names)) != len(names):
        raise InputError(f"{title} holds a file twice: not opened")


def refuse_sizes(entries: list[zipfile.ZipInfo], title: str, limit: int) -> None:
    """Raise an `InputError` where an archive is encrypted, or says to hold more than anyone needs."""
    if any(entry.compress_type not in _METHODS or entry.flag_bits & 1 for entry in entries):
        raise InputError(f"{title} is encrypted or compressed in an unusual way: not opened")
    size = sum(entry.file_size for entry in entries)
    if size > limit or len(entries) > _MAX_ENTRIES:
        raise InputError(
            f"{title} would unpack to {size} bytes in {len(entries)} files, where {limit} bytes and "
            f"{_MAX_ENTRIES} files are allowed: not opened"
        )


def _is_code(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) > 2 and parts[1] == "code" and name.endswith(".py")


def _check_code(code: str, title: str) -> None:
    if len(code) > _MAX_CODE_BYTES:
        raise InputError(f"{title} holds {len(code)} bytes of code in one file: not opened")
    # `getattr` takes the name as a string, in which letters can be written as numbers.
    plain = re.sub(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3}))", _letter, code)
    for text in (code, plain):
        found = _FORBIDDEN.search(text)
        if found is not None:
            raise InputError(
                f"the program in {title} uses {found.group()!r}, which a network does not need and which "
                "could touch your files: not opened"
            )
        for namespace in _OPERATORS.findall(text):
            if namespace not in _KNOWN_OPERATORS:
                raise InputError(
                    f"the program in {title} needs operators of {namespace!r}, which are not part of torch's "
                    "own: save the network without them"
                )


def _letter(match: re.Match[str]) -> str:
    return chr(int(match[1], 16) if match[1] else int(match[2], 8))
