"""The length of a pixel along each axis and the width of objects, as somebody types them."""

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


def parse_diameter(text: str) -> float | None:
    """Return the width of objects in pixels that was typed, None where the field is empty.

    >>> parse_diameter(" 24,5 ")
    24.5

    Raises
    ------
    InputError
        If it is no number.
    """
    typed = text.strip()
    if not typed:
        return None
    try:
        return float(typed.replace(",", "."))
    except ValueError:
        raise InputError(f"{typed!r} is no width: type a number of pixels such as 30, or nothing.") from None


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
