"""Words that must fit into a place."""

from __future__ import annotations


def shorten(words: str, longest: int) -> str:
    """Return words of at most `longest` characters, the last an ellipsis where some had to go.

    >>> shorten("Nuclei of mouse embryos", 10)
    'Nuclei of…'
    """
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
