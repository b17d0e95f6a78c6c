"""Named arrays in safetensors files: they hold numbers only, so that opening one cannot run code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io.atomic import write_bytes
from napari_graft.io.regular_files import open_regular

CHECKSUM = "checksum"
"""Word in a file that holds the SHA-256 of its arrays and of the other words."""
MAX_BYTES = 2**31
MAX_HEADER_BYTES = 2**24

_HIGHEST_PICKLE_PROTOCOL = 5
_HEAD = 4
"""Bytes that tell what a file is."""
_LENGTH = 8
_WORDS = TypeAdapter(dict[str, str])


def save_tensors(
    path: str | PathLike[str], tensors: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, str]
) -> None:
    """Write arrays and words about them to one safetensors file with a checksum of all, atomically.

    Raises
    ------
    StorageError
        If the file cannot be written; an old one is still there.
    """
    from safetensors.numpy import save

    contiguous = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    words = dict(metadata)
    write_bytes(path, save(contiguous, words | {CHECKSUM: _checksum_of(contiguous, words)}))


def load_tensors(path: str | PathLike[str]) -> tuple[dict[str, NDArray[np.generic]], dict[str, str]]:
    """Return the arrays and the metadata of a safetensors file.

    Raises
    ------
    DamagedFileError
        If the file is truncated, of another kind, or not what its checksum says; a pickle is never loaded.
    InputError
        If it is missing or may not be read.
    """
    with _opened(Path(path)) as file:
        return _parse(file.read(), str(path))


def parse_tensors(data: bytes, name: str) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a safetensors file that was read already; `name` is what errors call it.

    Raises
    ------
    DamagedFileError
        As for `load_tensors`.
    """
    return _parse(data, name)[0]


def load_metadata(path: str | PathLike[str]) -> dict[str, str]:
    """Return the words in a safetensors file without reading its arrays, and so without its checksum.

    Raises
    ------
    DamagedFileError
        If its header is damaged.
    InputError
        If it is missing or may not be read.
    """
    with _opened(Path(path)) as file:
        head = file.read(_LENGTH)
        text = file.read(min(int.from_bytes(head, "little"), MAX_HEADER_BYTES))
    return _metadata(head + text, str(path))


def _parse(data: bytes, name: str) -> tuple[dict[str, NDArray[np.generic]], dict[str, str]]:
    from safetensors.numpy import load

    with _refusals(name, data[:_HEAD]):
        tensors = load(data)
    words = _metadata(data, name)
    stored = words.pop(CHECKSUM, None)  # files of others, and our own of before, have none
    if stored is not None and stored != _checksum_of(tensors, words):
        raise DamagedFileError(
            f"weights {name} are damaged: their checksum does not fit; restore them from a backup"
        )
    return tensors, words


def _metadata(data: bytes, name: str) -> dict[str, str]:
    """Return the words at the head of a file: eight bytes of length, then JSON."""
    length = int.from_bytes(data[:_LENGTH], "little")
    try:
        return _WORDS.validate_python(
            json.loads(data[_LENGTH : _LENGTH + length]).get("__metadata__", {}), strict=True
        )
    except (ValueError, AttributeError, RecursionError):
        raise DamagedFileError(f"weights {name} {_describe(data[:_HEAD])}") from None


def _checksum_of(tensors: Mapping[str, NDArray[np.generic]], words: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(dict(words), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(json.dumps([name, tensor.dtype.str, tensor.shape]).encode())
        digest.update(np.ascontiguousarray(tensor).data)
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[FileIO]:
    try:
        with open_regular(path, limit=MAX_BYTES) as file:
            yield file
    except FileNotFoundError:
        raise InputError(f"weights {path} do not exist: check the path") from None
    except OSError as error:
        raise InputError(f"weights {path} cannot be read: {error.strerror or error}") from None


@contextmanager
def _refusals(name: str, head: bytes) -> Iterator[None]:
    """Turn what the loader says of a file that it cannot read into what the user is told."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise DamagedFileError(f"weights {name} {_describe(head)} ({error})") from error
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise DamagedFileError(
            f"weights {name} hold numbers that numpy lacks ({error}): save them as float16 or float32"
        ) from error
    except (OverflowError, MemoryError, OSError, RuntimeError) as error:
        # A header may name shapes that no array has, as 0 x 2**62, and the loader leaves that to numpy.
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DamagedFileError(f"weights {name} are damaged ({reason}): get them again") from error


def _describe(head: bytes) -> str:
    """Say what a file is that is no safetensors file, from its first bytes."""
    if not head:
        return "are empty (0 bytes): make a new copy of the file"
    is_pickle = head[0] == 0x80 and len(head) > 1 and head[1] <= _HIGHEST_PICKLE_PROTOCOL
    if head == b"PK\x03\x04" or is_pickle:
        kind = "a pickle" if is_pickle else "a zip archive, perhaps a PyTorch checkpoint"
        return f"are {kind}, which could run code and is never loaded: save them as safetensors"
    return "are truncated or no safetensors file: make a new copy, or save them as safetensors"
