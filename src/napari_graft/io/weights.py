"""Named arrays in safetensors files: they hold numbers only, so that opening one cannot run code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.io.atomic import write_bytes

_HIGHEST_PICKLE_PROTOCOL = 5
_HEAD = 4
"""Bytes that tell what a file is."""


def save_tensors(
    path: str | PathLike[str], tensors: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, str]
) -> None:
    """Write arrays and words about them to one safetensors file, atomically.

    Raises
    ------
    StorageError
        If the file cannot be written; an old one is still there.
    """
    from safetensors.numpy import save

    contiguous = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    write_bytes(path, save(contiguous, dict(metadata)))


def load_tensors(path: str | PathLike[str]) -> tuple[dict[str, NDArray[np.generic]], dict[str, str]]:
    """Return the arrays and the metadata of a safetensors file.

    Raises
    ------
    InputError
        If the file is missing, truncated or of another kind; a pickle is refused and never loaded.
    """
    from safetensors import safe_open

    location = Path(path)
    if not location.is_file():
        raise InputError(f"weights {location} do not exist: check the path")
    with _refusals(str(location), lambda: _head_of(location)), safe_open(str(location), "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118


def parse_tensors(data: bytes, name: str) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a safetensors file that was read already; `name` is what errors call it.

    Raises
    ------
    InputError
        As for `load_tensors`.
    """
    from safetensors.numpy import load

    with _refusals(name, lambda: data[:_HEAD]):
        return load(data)


def load_metadata(path: str | PathLike[str]) -> dict[str, str]:
    """Return the words in a safetensors file without reading its arrays.

    Raises
    ------
    InputError
        If the file is missing, truncated or of another kind.
    """
    from safetensors import safe_open

    location = Path(path)
    if not location.is_file():
        raise InputError(f"weights {location} do not exist: check the path")
    with _refusals(str(location), lambda: _head_of(location)), safe_open(str(location), "numpy") as file:
        return dict(file.metadata() or {})


@contextmanager
def _refusals(name: str, head: Callable[[], bytes]) -> Iterator[None]:
    """Turn what the loader says of a file that it cannot read into what the user is told."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise InputError(f"weights {name} {_describe(head())} ({error})") from error
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"weights {name} hold numbers that numpy lacks ({error}): save them as float16 or float32"
        ) from error


def _head_of(location: Path) -> bytes:
    with location.open("rb") as file:
        return file.read(_HEAD)


def _describe(head: bytes) -> str:
    """Say what a file is that is no safetensors file, from its first bytes."""
    if not head:
        return "are empty (0 bytes): make a new copy of the file"
    is_pickle = head[0] == 0x80 and len(head) > 1 and head[1] <= _HIGHEST_PICKLE_PROTOCOL
    if head == b"PK\x03\x04" or is_pickle:
        kind = "a pickle" if is_pickle else "a zip archive, perhaps a PyTorch checkpoint"
        return f"are {kind}, which could run code and is never loaded: save them as safetensors"
    return "are truncated or no safetensors file: make a new copy, or save them as safetensors"
