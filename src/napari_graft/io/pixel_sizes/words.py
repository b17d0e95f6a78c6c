"""Pixel sizes in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def size_words(sizes: Sequence[float], unit: str) -> str:
    """Return the length of a pixel along each axis in words.

    >>> size_words((40.0, 4.0, 4.0), "nm")
    '40 × 4 × 4 nm'
    """
    return f"{' × '.join(f'{size:.4g}' for size in sizes)} {unit}"


def lengths_words(lengths: Mapping[str, tuple[float, str]]) -> str:
    """Return lengths by axis in words.

    >>> lengths_words({"x": (4.0, "nm"), "z": (0.04, "um")})
    'z 0.04 um, x 4 nm'
    """
    return ", ".join(f"{axis} {lengths[axis][0]:.4g} {lengths[axis][1]}" for axis in "zyx" if axis in lengths)
