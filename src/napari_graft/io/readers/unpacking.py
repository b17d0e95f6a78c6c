"""Unpack compressed chunks within bounds: half a megabyte of a stranger's file may become gigabytes."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


_Start = Callable[[Mapping[str, Any]], _Decompressor]


def largest_unpacked(n_bytes: int) -> int:
    """Return how many bytes a chunk of `n_bytes` pixels may become on the way, with what filters add."""
    return 2 * n_bytes + (1 << 20)


def can_unpack(method: Mapping[str, Any]) -> bool:
    """Say whether `unpack_within` knows a method."""
    return method.get("id") in {*_STREAMS, *_SAID}


def unpack_within(limit: int, method: Mapping[str, Any], data: bytes) -> bytes | None:
    """Return what compressed bytes become, None where the library may see to it: it takes no more room.

    Streams (zlib, gzip, bz2, lzma) are unpacked as far as the limit. The headers of blosc, lz4 and nearly all
    zstd say how much room the library takes. Of other methods nothing is known.

    Parameters
    ----------
    limit
        So many bytes at most.
    method
        The configuration of a codec as numcodecs has it; its ``id`` says which.

    Raises
    ------
    ValueError
        If they become more, or are cut short.
    """
    name = str(method.get("id"))
    if name in _STREAMS:
        return _unpack_stream(_STREAMS[name], method, data, limit)
    n_said = _SAID[name](data) if name in _SAID else 0
    if n_said is None:
        return _unpack_zstd(data, limit)
    if n_said > limit:
        raise ValueError(_too_much(limit))
    return None


def _unpack_stream(start: _Start, method: Mapping[str, Any], data: bytes, limit: int) -> bytes:
    found = b""
    while True:
        stream = start(method)
        found += stream.decompress(data, limit + 1 - len(found))
        if len(found) > limit:
            raise ValueError(_too_much(limit))
        if not stream.eof:
            raise ValueError("a chunk is cut short")
        data = stream.unused_data.lstrip(b"\0")
        if method["id"] == "zlib" or not data:  # the others may be several streams in a row
            return found


def _unpack_zstd(data: bytes, limit: int) -> bytes:
    import imagecodecs

    try:
        return bytes(imagecodecs.zstd_decode(data, out=limit))
    except imagecodecs.ZstdError as error:
        raise ValueError(f"{_too_much(limit)}, or is damaged ({error})") from None


def _lzma_stream(method: Mapping[str, Any]) -> _Decompressor:
    kind = method.get("format", lzma.FORMAT_XZ)
    filters = method.get("filters") if kind == lzma.FORMAT_RAW else None
    return lzma.LZMADecompressor(kind, filters=filters)


_STREAMS: dict[str, _Start] = {
    "zlib": lambda method: zlib.decompressobj(),
    "gzip": lambda method: zlib.decompressobj(wbits=zlib.MAX_WBITS | 16),
    "bz2": lambda method: bz2.BZ2Decompressor(),
    "lzma": _lzma_stream,
}


def _said_by_blosc(data: bytes) -> int:
    return int.from_bytes(data[4:8], "little")


def _said_by_lz4(data: bytes) -> int:
    return int.from_bytes(data[:4], "little")


def _said_by_zstd(data: bytes) -> int | None:
    """Return the size in the header of a frame (RFC 8878, 3.1.1.1), None where it is left out."""
    if len(data) < 5 or data[:4] != _ZSTD_MAGIC:
        return 0  # no such frame, which the library says better
    flags = data[4]
    is_single, size_flag = bool(flags & 0x20), flags >> 6
    n_field = (1 if is_single else 0, 2, 4, 8)[size_flag]
    if not n_field:
        return None
    start = 5 + (not is_single) + (0, 1, 2, 4)[flags & 3]
    said = int.from_bytes(data[start : start + n_field], "little")
    return said + 256 if n_field == 2 else said


_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SAID: dict[str, Callable[[bytes], int | None]] = {
    "blosc": _said_by_blosc,
    "lz4": _said_by_lz4,
    "zstd": _said_by_zstd,
}


def _too_much(limit: int) -> str:
    return f"a chunk unpacks to more than {limit >> 20} MB, of which its pixels need half at most"
