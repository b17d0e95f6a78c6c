"""Time in words."""

from __future__ import annotations


def in_words(seconds: float) -> str:
    """Return a duration as a person says it.

    >>> in_words(4.2), in_words(95), in_words(4000)
    ('4 s', '1 min 35 s', '1 h 6 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
