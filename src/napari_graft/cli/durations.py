"""Durations as people write them: ``60s``, ``2m``, ``1.5h``, or plain seconds."""

from __future__ import annotations

import re

from napari_graft.core.errors import InputError

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Return a duration in seconds.

    Raises
    ------
    InputError
        If it is not a positive duration.

    Examples
    --------
    >>> parse_duration("2m")
    120.0
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", text.strip())
    seconds = float(found[1]) * _SECONDS[found[2] or ""] if found else 0.0
    if seconds <= 0:
        raise InputError(f"time budget {text!r} is no duration: write for example 60s or 2m")
    return seconds
