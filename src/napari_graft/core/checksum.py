"""Know whether something was asked before, by a few characters."""

from __future__ import annotations

import hashlib
import json


def checksum_of(described: object) -> str:
    """Return the SHA-256 of what JSON can hold; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
