"""Checksums of values, and texts shortened to a width."""

from __future__ import annotations

import hashlib
import json


def checksum_of(described: object) -> str:
    """Return the SHA-256 of what JSON can hold; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def shorten(words: str, longest: int) -> str:
    """Return words of at most `longest` characters, an ellipsis where some had to go.

    The end stays: titles of related sources often differ there.

    >>> shorten("Nuclei of mouse embryos, confocal, in 3-D", 24)
    'Nuclei of mouse e…in 3-D'
    """
    if len(words) <= longest:
        return words
    n_last = longest // 4
    return f"{words[: longest - n_last - 1]}…{words[len(words) - n_last :]}"
