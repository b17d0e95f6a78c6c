"""Numbers of a row, and how they are written for a reader."""

from __future__ import annotations

import math
import re

from napari_graft.report.record import Row

MISSING = "–"
THIN_SPACE = "\u202f"


def number(row: Row, key: str) -> float:
    """Return a number of a row, NaN where it is missing or not finite."""
    value = row.get(key)
    if isinstance(value, str) or value is None:
        return math.nan
    found = float(value)  # type: ignore[arg-type]  # numpy scalars have no common type
    return found if math.isfinite(found) else math.nan


def text(value: float, digits: int = 2) -> str:
    """Return a number with so many digits after the point, or a dash for NaN."""
    return MISSING if math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def count(value: float) -> str:
    """Return a whole number, thousands apart, or a dash for NaN."""
    return MISSING if math.isnan(value) else f"{value:,.0f}".replace(",", THIN_SPACE).replace("-", "−")


def percent(share: float) -> str:
    """Return a share as per cent: whole, but with a digit below one."""
    value = 100 * share
    digits = 1 if 0 < abs(value) < 0.95 else 0
    return f"{value:.{digits}f}{THIN_SPACE}%".replace("-", "−")


def significant(value: float) -> str:
    """Return a number of any size with about two digits that count."""
    if math.isnan(value):
        return MISSING
    return count(value) if abs(value) >= 100 else f"{value:.2g}".replace("-", "−")


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    if math.isnan(seconds):
        return MISSING
    if seconds < 60:
        return f"{seconds:.1f}{THIN_SPACE}s" if seconds < 10 else f"{seconds:.0f}{THIN_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}{THIN_SPACE}min {rest}{THIN_SPACE}s"


def n_of(n: float, noun: str) -> str:
    """Return a number of things, the noun in the singular for one."""
    return f"{n:g} {noun}" if n == 1 else f"{n:g} {noun}s"


def slug(words: str) -> str:
    """Return words as part of a file name: lower case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "unnamed"
