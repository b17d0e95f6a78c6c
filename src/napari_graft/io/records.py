"""Binary records behind one another in a file, each with its length and its checksum.

A record is the length of its body and the CRC-32 of that (little endian, four bytes each), then the body.
"""

from __future__ import annotations

import re
import struct
import zlib

_HEAD = struct.Struct("<II")
HEAD_BYTES = _HEAD.size


def pack_record(body: bytes) -> bytes:
    """Return the record that holds a body, which must not be empty."""
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def read_record(data: bytes, start: int = 0) -> tuple[bytes, int] | None:
    """Return the body of the record at `start` of `data`, and where it ends; None where it is not whole.

    A length of 0 is no record: a power cut can leave a tail of zeros, whose checksum is 0 as well.
    """
    if start + HEAD_BYTES > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, start)
    end = start + HEAD_BYTES + length
    body = data[start + HEAD_BYTES : end]
    if length == 0 or len(body) < length or zlib.crc32(body) != checksum:
        return None
    return body, end


def is_cut_off(tail: bytes, beginning: re.Pattern[bytes]) -> bool:
    """Say whether what follows the last whole record was cut off by a kill, and is not a changed record.

    Cut off is what ends before its length says, with no whole record behind it; a power cut can leave zeros.

    Parameters
    ----------
    beginning
        How the body of a record begins.
    """
    if len(tail) < HEAD_BYTES or not tail.strip(b"\0"):
        return True
    length, checksum = _HEAD.unpack_from(tail)
    body = tail[HEAD_BYTES:]
    if 0 < length <= len(body) or zlib.crc32(body) == checksum:
        return False
    starts = (found.start() - HEAD_BYTES for found in beginning.finditer(tail, 2 * HEAD_BYTES))
    return all(read_record(tail, start) is None for start in starts)
