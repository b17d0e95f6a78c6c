"""The length of a pixel along each axis, as somebody types it."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.core.errors import InputError


def parse_pixel_size(texts: Sequence[str], names: str) -> tuple[float, ...] | None:
    """Return the lengths that were typed, None where all fields are empty.

    >>> parse_pixel_size(("40", "4,0", "4"), "zyx")
    (40.0, 4.0, 4.0)

    Raises
    ------
    InputError
        If one is missing beside others, or is no positive number.
    """
    typed = [text.strip() for text in texts]
    if not any(typed):
        return None
    return tuple(_parse(text, name) for text, name in zip(typed, names, strict=True))


def _parse(text: str, name: str) -> float:
    if not text:
        raise InputError(f"The length along {name} is missing: type it, or empty all fields.")
    try:
        length = float(text.replace(",", "."))
    except ValueError:
        length = float("nan")
    if not 0 < length < float("inf"):
        raise InputError(f"{text!r} is no length along {name}: type a number such as 4 or 0.65.")
    return length
